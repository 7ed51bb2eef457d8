import { Injectable } from '@nestjs/common';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Taking } from './inventory.types.js';

const insertTakings = new Statement(
  'ledger-insert-takings',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref)
   SELECT product_id, 'taken', -quantity, stock_after, order_ref
   FROM unnest($1::int[], $2::int[], $3::int[], $4::text[]) AS t(product_id, quantity, stock_after, order_ref)`,
);

const findTakenProducts = new Statement<{ product_id: number }>(
  'ledger-find-taken-products',
  `SELECT product_id FROM stock_movements WHERE order_ref = $1 AND kind = 'taken' ORDER BY product_id`,
);

// What was taken is read from the ledger, never from the caller. The unique key (order_ref, product_id, kind) makes a
// second return of the same goods insert nothing, so that nothing is added to the stock either.
const insertReturns = new Statement<{ product_id: number; delta: number }>(
  'ledger-insert-returns',
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, reason)
   SELECT t.product_id, 'returned', -t.delta, p.stock - t.delta, t.order_ref, $2
   FROM stock_movements t JOIN products p ON p.id = t.product_id
   WHERE t.order_ref = $1 AND t.kind = 'taken'
   ON CONFLICT DO NOTHING
   RETURNING product_id, delta`,
);

/** All SQL of the table `stock_movements`, the ledger. Rows are added, never changed. */
@Injectable()
export class LedgerRepository {
  async insertTakings(takings: Taking[], tx: Tx): Promise<void> {
    await insertTakings.run(
      [
        takings.map(({ product_id }) => product_id),
        takings.map(({ quantity }) => quantity),
        takings.map(({ stock_after }) => stock_after),
        takings.map(({ order_ref }) => order_ref),
      ],
      tx,
    );
  }

  async findTakenProducts(orderRef: string, tx: Tx): Promise<number[]> {
    return (await findTakenProducts.run([orderRef], tx)).map(({ product_id }) => product_id);
  }

  async insertReturns(
    orderRef: string,
    reason: string,
    tx: Tx,
  ): Promise<{ product_id: number; delta: number }[]> {
    return insertReturns.run([orderRef, reason], tx);
  }
}
