import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import { inOneFlight } from '../platform/database/flight.js';
import type { Tx } from '../platform/database/tx.js';
import type { AgeSort } from '../platform/http/list-order.js';
import { ProductService } from '../product/product.service.js';
import type { StockChange } from '../product/product.types.js';
import {
  ENTERED_KINDS,
  type EnteredMovement,
  type GivingBack,
  type Goods,
  type Movement,
  type MovementFilter,
  type Taken,
  type Taking,
} from './inventory.types.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { LedgerRepository } from './ledger.repository.js';

/** Every change of stock: the count, its row of the ledger and its event are one transaction. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly repository: LedgerRepository,
    private readonly products: ProductService,
    private readonly events: EventService,
    private readonly metrics: LedgerMetrics,
  ) {}

  /**
   * Locks another system's order until `tx` ends, whether or not anything was taken for it yet. It stands where the shop's
   * own order would in the lock order: after the claim, before the holds and the products.
   */
  async lockOrder(orderRef: string, tx: Tx): Promise<void> {
    await this.repository.lockOrder(orderRef, tx);
  }

  /** What was taken for an order, in the order in which it was taken, and how much of it has come back. */
  async findTaken(orderRef: string, tx: Tx): Promise<Taken[]> {
    return this.repository.findTaken(orderRef, tx);
  }

  /**
   * Takes goods for orders. The products must be locked in `tx`, and `stock_after` must follow from the locked counts; the
   * CHECK on the stock and the unique key of the ledger stand behind.
   */
  async take(takings: Taking[], tx: Tx): Promise<void> {
    const changes = takings.map(({ product_id, quantity }) => ({ product_id, delta: -quantity }));
    await inOneFlight([this.changeStock(changes, tx), this.repository.insertTakings(takings, tx)]);
    this.metrics.noteRows('taken', takings.length, tx);
  }

  /**
   * Gives back all that the ledger shows was taken for an order and has not come back, once, however often it is called.
   * Locks the products. @returns what came back now.
   */
  async giveBack(orderRef: string, reason: string, tx: Tx): Promise<StockChange[]> {
    const taken = await this.repository.findTaken(orderRef, tx);
    const all = taken.map(({ product_id }) => ({ product_id, quantity: null }));
    await this.products.lockForSale(
      all.map(({ product_id }) => product_id),
      tx,
    );
    return this.giveBackOf(orderRef, all, reason, tx);
  }

  /**
   * Takes once more what came back of an order, all or nothing. Locks the products.
   * @returns false when there is too little of one: then nothing was changed.
   */
  async takeAgain(orderRef: string, tx: Tx): Promise<boolean> {
    const taken = await this.repository.findTaken(orderRef, tx);
    const locked = await this.products.lockForSale(
      taken.map(({ product_id }) => product_id),
      tx,
    );
    const stocks = new Map(locked.map(({ id, stock }) => [id, stock]));
    if (taken.some(({ product_id, quantity }) => quantity > (stocks.get(product_id) ?? 0))) return false;
    const again = await this.repository.insertTakenAgain(orderRef, tx);
    await this.changeStock(again, tx);
    this.metrics.noteRows('taken', again.length, tx);
    return true;
  }

  /**
   * Puts goods that a customer has sent back into stock: the `round`-th return of the order. Locks the products. What may
   * come back is for the caller to check.
   */
  async restock(orderRef: string, round: number, goods: Goods[], reason: string, tx: Tx): Promise<void> {
    if (goods.length === 0) return;
    await this.products.lockForSale(
      goods.map(({ product_id }) => product_id),
      tx,
    );
    const restocked = await this.repository.insertRestocked(orderRef, round, goods, reason, tx);
    await this.changeStock(restocked, tx);
    this.metrics.noteRows('restocked', restocked.length, tx);
  }

  /**
   * Gives back of each named product what was taken for the order, at most the quantity beside it; once a product, even
   * when that was not all. What was never taken, or has come back, is passed over. The products must be locked in `tx`.
   * @returns what came back now.
   */
  async giveBackOf(
    orderRef: string,
    wanted: GivingBack[],
    reason: string,
    tx: Tx,
  ): Promise<(StockChange & { stock_after: number })[]> {
    const returned = await this.repository.insertReturns(orderRef, wanted, reason, tx);
    await this.changeStock(returned, tx);
    this.metrics.noteRows('returned', returned.length, tx);
    return returned;
  }

  /**
   * Writes movements that no order stands behind, each of another product. The products must be locked in `tx`, and
   * `stock_after` must follow from the locked counts. A delta of 0 is a count that has been confirmed: it is written, and
   * changes nothing. @returns the rows, in the order given.
   */
  async enter(
    movements: EnteredMovement[],
    reason: string | null,
    notes: string | null,
    tx: Tx,
  ): Promise<Movement[]> {
    if (movements.length === 0) return [];
    await this.changeStock(
      movements.filter(({ delta }) => delta !== 0),
      tx,
    );
    for (const kind of ENTERED_KINDS) {
      const rows = movements.filter((movement) => movement.kind === kind).length;
      this.metrics.noteRows(kind, rows, tx);
    }
    return this.repository.insertEntered(movements, reason, notes, tx);
  }

  /**
   * Notes that an order whose goods were not taken yet is rolled back: all of it, or with ids these products of it.
   * The order must be locked in `tx`. Idempotent.
   */
  async rememberRollback(orderRef: string, productIds: number[] | null, tx: Tx): Promise<void> {
    await this.repository.rememberRollback(orderRef, productIds ?? [null], tx);
  }

  /** Whether all of an order, or one of these products of it, was rolled back before anything was taken. */
  async wasRolledBack(orderRef: string, productIds: number[], tx: Tx): Promise<boolean> {
    return this.repository.hasRollback(orderRef, productIds, tx);
  }

  /** The ledger's rows in the sort's order, from beyond the id `after`. */
  async list(
    filter: MovementFilter,
    sort: AgeSort,
    after: number | null,
    limit: number,
  ): Promise<Movement[]> {
    return this.repository.list(filter, sort, after, limit);
  }

  /** How many rows of the ledger match. */
  async count(filter: MovementFilter): Promise<number> {
    return this.repository.count(filter);
  }

  private async changeStock(changes: StockChange[], tx: Tx): Promise<void> {
    const after = await this.products.changeStock(changes, tx);
    await this.events.append(
      after.map(({ product_id, stock_after, sequence }) => ({
        type: 'stock.changed',
        data: { product_id, stock: stock_after, sequence },
      })),
      tx,
    );
  }
}
