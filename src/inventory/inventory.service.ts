import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { ProductService } from '../product/product.service.js';
import { InventoryRepository } from './inventory.repository.js';
import type { NewReservation, Reservation, ReservationEnd, Taking } from './inventory.types.js';
import { GIVES_BACK } from './reservation-states.js';

/** Stock and its ledger: every change of stock is a row of the ledger in the same transaction. */
@Injectable()
export class InventoryService {
  constructor(
    private readonly repository: InventoryRepository,
    private readonly products: ProductService,
  ) {}

  /**
   * Takes goods for new orders and holds them. The products must be locked in `tx`, and `stock_after` must follow from
   * the locked counts; the CHECK on the stock stands behind.
   */
  async take(takings: Taking[], reservations: NewReservation[], tx: Tx): Promise<void> {
    await this.products.changeStock(
      takings.map(({ product_id, quantity }) => ({ product_id, delta: -quantity })),
      tx,
    );
    await this.repository.insertTakings(takings, tx);
    await this.repository.insertReservations(reservations, tx);
  }

  /**
   * Ends the hold of an order. Cancelled and expired holds give back exactly what the ledger shows was taken, once,
   * however often this is called. The order must be locked in `tx`; its products are locked here.
   * @returns false when the hold had ended before: then nothing was changed.
   */
  async endHold(orderRef: string, end: ReservationEnd, reason: string | null, tx: Tx): Promise<boolean> {
    if (!(await this.repository.endReservation(orderRef, end, reason, tx))) return false;
    if (GIVES_BACK[end]) await this.giveBack(orderRef, reason ?? end, tx);
    return true;
  }

  /** The hold of an order, or null when it has none. */
  async findHold(orderRef: string, tx: Tx): Promise<Reservation | null> {
    return this.repository.findReservation(orderRef, tx);
  }

  private async giveBack(orderRef: string, reason: string, tx: Tx): Promise<void> {
    const ids = await this.repository.findTakenProducts(orderRef, tx);
    await this.products.lockForSale(ids, tx);
    const returned = await this.repository.insertReturns(orderRef, reason, tx);
    await this.products.changeStock(returned, tx);
  }
}
