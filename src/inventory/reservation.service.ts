import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import { inOneFlight } from '../platform/database/flight.js';
import type { Tx } from '../platform/database/tx.js';
import type { NewReservation, Reservation, ReservationEnd, Taking } from './inventory.types.js';
import { LedgerService } from './ledger.service.js';
import { ReservationMetrics } from './reservation.metrics.js';
import { ReservationRepository } from './reservation.repository.js';
import { RESERVATION_ENDS } from './reservation-states.js';

/** Holds: goods taken out of what can be sold, for a limited time. */
@Injectable()
export class ReservationService {
  constructor(
    private readonly repository: ReservationRepository,
    private readonly ledger: LedgerService,
    private readonly events: EventService,
    private readonly metrics: ReservationMetrics,
  ) {}

  /** Takes goods for new orders and holds them. The products must be locked in `tx`. */
  async hold(takings: Taking[], reservations: NewReservation[], tx: Tx): Promise<void> {
    await inOneFlight([this.ledger.take(takings, tx), this.repository.insert(reservations, tx)]);
  }

  /**
   * Ends the hold of an order. Cancelled and expired holds give back exactly what the ledger shows was taken, once,
   * however often this is called, and tell so once. The order must be locked in `tx`; its products are locked here.
   * @returns false when the hold had ended before: then nothing was changed.
   */
  async end(orderRef: string, end: ReservationEnd, reason: string | null, tx: Tx): Promise<boolean> {
    const id = await this.repository.end(orderRef, end, reason, tx);
    if (id === null) return false;
    this.metrics.noteEnded(end, tx);
    const { givesBack, event } = RESERVATION_ENDS[end];
    const returned = givesBack ? await this.ledger.giveBack(orderRef, reason ?? end, tx) : [];
    if (event === null) return true;
    const items = returned.map(({ product_id, delta }) => ({ product_id, quantity: delta }));
    await this.events.append(
      [{ type: event, data: { reservation_id: id, order_id: orderRef, reason, items } }],
      tx,
    );
    return true;
  }

  /**
   * Gives back the goods of a hold that was fulfilled: their order has come to nothing after all. The hold stays fulfilled,
   * for that is how it ended. Once, however often it is called. The order must be locked in `tx`.
   */
  async undo(orderRef: string, reason: string, tx: Tx): Promise<void> {
    await this.ledger.giveBack(orderRef, reason, tx);
  }

  /**
   * Takes the goods of an expired hold once more, all or nothing; the hold stays expired. The order must be locked in `tx`.
   * @returns false when there is too little of one: then nothing was changed.
   */
  async takeAgain(orderRef: string, tx: Tx): Promise<boolean> {
    return this.ledger.takeAgain(orderRef, tx);
  }

  /** How many hold goods now, and how many of them are past their time; each counted up to 100,000. */
  async countActive(): Promise<{ active: number; overdue: number }> {
    return this.repository.countActive();
  }

  /** The hold of an order, or null when it has none. */
  async find(orderRef: string, tx: Tx): Promise<Reservation | null> {
    return this.repository.find(orderRef, tx);
  }
}
