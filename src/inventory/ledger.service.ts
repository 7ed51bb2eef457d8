import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import type { Tx } from '../platform/database/tx.js';
import { ProductService } from '../product/product.service.js';
import type { StockChange } from '../product/product.types.js';
import type { Taking } from './inventory.types.js';
import { LedgerRepository } from './ledger.repository.js';

/** Every change of stock: the count, its row of the ledger and its event are one transaction. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly repository: LedgerRepository,
    private readonly products: ProductService,
    private readonly events: EventService,
  ) {}

  /**
   * Takes goods for orders. The products must be locked in `tx`, and `stock_after` must follow from the locked counts; the
   * CHECK on the stock and the unique key of the ledger stand behind.
   */
  async take(takings: Taking[], tx: Tx): Promise<void> {
    await this.changeStock(
      takings.map(({ product_id, quantity }) => ({ product_id, delta: -quantity })),
      tx,
    );
    await this.repository.insertTakings(takings, tx);
  }

  /**
   * Gives back all that the ledger shows was taken for an order and has not come back, once, however often it is called.
   * Locks the products. @returns what came back now.
   */
  async giveBack(orderRef: string, reason: string, tx: Tx): Promise<StockChange[]> {
    const ids = await this.repository.findTakenProducts(orderRef, tx);
    await this.products.lockForSale(ids, tx);
    const returned = await this.repository.insertReturns(orderRef, reason, tx);
    await this.changeStock(returned, tx);
    return returned;
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
