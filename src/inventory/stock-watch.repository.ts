import { Injectable } from '@nestjs/common';
import { Statement, type Tx } from '../platform/database/statement.js';

/** A count of a product's stock, as `stock.changed` tells it. */
export interface StockCount {
  product_id: number;
  stock: number;
  /** Of the changes of the product's stock: a greater one is newer. */
  sequence: number;
}

export interface Crossing extends StockCount {
  low_stock_threshold: number;
}

// One statement decides: whoever holds the row has the newest count, and an older one changes nothing. In order of
// product, so that two of these cannot wait for each other.
const observe = new Statement<Crossing & { fell: boolean }>(
  'stock-watch-observe',
  `WITH newest AS (
     SELECT DISTINCT ON (product_id) product_id, stock, sequence
     FROM unnest($1::int[], $2::int[], $3::bigint[]) AS c(product_id, stock, sequence)
     ORDER BY product_id, sequence DESC
   ), told AS (
     SELECT n.*, p.low_stock_threshold, p.low_stock_threshold > 0 AND n.stock <= p.low_stock_threshold AS low
     FROM newest n JOIN products p ON p.id = n.product_id
   ), kept AS (
     INSERT INTO stock_watch AS w (product_id, stock, sequence, low_at_sequence)
     SELECT product_id, stock, sequence, CASE WHEN low THEN sequence END FROM told ORDER BY product_id
     ON CONFLICT (product_id) DO UPDATE SET stock = EXCLUDED.stock, sequence = EXCLUDED.sequence, updated_at = now(),
       low_at_sequence = CASE WHEN EXCLUDED.low_at_sequence IS NOT NULL
                              THEN coalesce(w.low_at_sequence, EXCLUDED.low_at_sequence) END
     WHERE w.sequence < EXCLUDED.sequence
     RETURNING product_id, low_at_sequence = sequence AS fell)
   SELECT product_id, stock, sequence, low_stock_threshold, fell FROM told JOIN kept USING (product_id)`,
);

/** All SQL of the table `stock_watch`. */
@Injectable()
export class StockWatchRepository {
  /** Keeps each product's newest count, older ones change nothing. @returns where the stock has just become low. */
  async observe(counts: StockCount[], tx: Tx): Promise<Crossing[]> {
    const rows = await observe.run(
      [
        counts.map(({ product_id }) => product_id),
        counts.map(({ stock }) => stock),
        counts.map(({ sequence }) => sequence),
      ],
      tx,
    );
    return rows
      .filter(({ fell }) => fell)
      .map(({ product_id, stock, sequence, low_stock_threshold }) => ({
        product_id,
        stock,
        sequence,
        low_stock_threshold,
      }));
  }
}
