import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import type { NewReservation, Reservation, ReservationEnd, Taking } from './inventory.types.js';
import { LedgerService } from './ledger.service.js';
import { ReservationRepository } from './reservation.repository.js';
import { GIVES_BACK } from './reservation-states.js';

/** Holds: goods taken out of what can be sold, for a limited time. */
@Injectable()
export class ReservationService {
  constructor(
    private readonly repository: ReservationRepository,
    private readonly ledger: LedgerService,
  ) {}

  /** Takes goods for new orders and holds them. The products must be locked in `tx`. */
  async hold(takings: Taking[], reservations: NewReservation[], tx: Tx): Promise<void> {
    await this.ledger.take(takings, tx);
    await this.repository.insert(reservations, tx);
  }

  /**
   * Ends the hold of an order. Cancelled and expired holds give back exactly what the ledger shows was taken, once,
   * however often this is called. The order must be locked in `tx`; its products are locked here.
   * @returns false when the hold had ended before: then nothing was changed.
   */
  async end(orderRef: string, end: ReservationEnd, reason: string | null, tx: Tx): Promise<boolean> {
    if (!(await this.repository.end(orderRef, end, reason, tx))) return false;
    if (GIVES_BACK[end]) await this.ledger.giveBack(orderRef, reason ?? end, tx);
    return true;
  }

  /** The hold of an order, or null when it has none. */
  async find(orderRef: string, tx: Tx): Promise<Reservation | null> {
    return this.repository.find(orderRef, tx);
  }
}
