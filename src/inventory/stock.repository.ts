import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { hasVariants, isSellable } from '../product/product.types.js';
import type { ReservationStatus } from './inventory.types.js';
import { MAY_EXPIRE, OVERDUE } from './overdue-holds.repository.js';

/** What one product has to give, goods of overdue holds among it. */
export interface Available {
  product_id: number;
  available: number;
}

/** The hold that goes by an order id, and whether the order is one of the shop's own. */
export interface HoldOfOrder {
  status: ReservationStatus;
  of_shop: boolean;
}

export interface StockTotals {
  products: number;
  out_of_stock: number;
  low_stock: number;
  units: number;
  /** In minor units, as text: all stock together may be worth more than a number can say exactly. */
  stock_value_minor: string;
  reserved_units: number;
}

export interface LowProduct {
  product_id: number;
  sku: string;
  name: string;
  stock: number;
  low_stock_threshold: number;
}

// Only what an overdue hold may really give up counts as free: nobody is promised what they could not take.
const findAvailable = new Statement<Available>(
  'stock-find-available',
  `WITH freed AS (
     SELECT m.product_id, sum(-m.delta) AS units ${OVERDUE}
     JOIN stock_movements m ON m.order_ref = r.order_ref AND m.kind IN ('taken', 'returned') AND m.product_id = ANY($1::int[])
     WHERE ${MAY_EXPIRE} GROUP BY m.product_id
   )
   SELECT p.id AS product_id, p.stock + coalesce(f.units, 0) AS available
   FROM products p LEFT JOIN freed f ON f.product_id = p.id
   WHERE p.id = ANY($1::int[]) AND ${isSellable('p')} AND NOT ${hasVariants('p')}`,
);

// An id of ours is written in lower case; whoever writes it otherwise means the same order.
const findHold = new Statement<HoldOfOrder>(
  'stock-find-hold',
  `SELECT status, order_id IS NOT NULL AS of_shop FROM reservations
   WHERE order_ref = $1 OR (order_ref = lower($1) AND order_id IS NOT NULL)
   ORDER BY of_shop DESC LIMIT 1`,
);

const COUNTED = `p.deleted_at IS NULL AND NOT ${hasVariants('p')}`;
// No index goes by it: one that looks at the stock would cost every sale its cheap update in place.
const LOW = 'p.low_stock_threshold > 0 AND p.stock <= p.low_stock_threshold';

const sumUp = new Statement<StockTotals>(
  'stock-sum-up',
  `SELECT count(*) AS products, count(*) FILTER (WHERE p.stock = 0) AS out_of_stock, count(*) FILTER (WHERE ${LOW}) AS low_stock,
          coalesce(sum(p.stock), 0) AS units, coalesce(sum(p.stock::numeric * p.price_minor), 0)::text AS stock_value_minor,
          (SELECT coalesce(sum(-m.delta), 0) FROM reservations r
           JOIN stock_movements m ON m.order_ref = r.order_ref AND m.kind IN ('taken', 'returned')
           WHERE r.status = 'active') AS reserved_units
   FROM products p WHERE ${COUNTED}`,
);

const listLow = new Statement<LowProduct>(
  'stock-list-low',
  `SELECT p.id AS product_id, p.sku, p.name, p.stock, p.low_stock_threshold
   FROM products p WHERE ${COUNTED} AND ${LOW} AND p.id > $1::bigint ORDER BY p.id LIMIT $2`,
);

const countLow = new Statement<{ total: number }>(
  'stock-count-low',
  `SELECT count(*) AS total FROM products p WHERE ${COUNTED} AND ${LOW}`,
);

/** Questions about stock that products, ledger and holds answer together. Changes nothing, locks nothing. */
@Injectable()
export class StockRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Products that cannot be sold are missing from the answer. */
  async findAvailable(productIds: number[]): Promise<Available[]> {
    return this.database.read(findAvailable, [productIds]);
  }

  async findHold(orderRef: string, tx: Tx): Promise<HoldOfOrder | null> {
    return findHold.first([orderRef], tx);
  }

  async sumUp(): Promise<StockTotals> {
    return (await this.database.readFirst(sumUp, [])) as StockTotals;
  }

  /** By ascending id, from above `after`. */
  async listLow(after: number, limit: number): Promise<LowProduct[]> {
    return this.database.read(listLow, [after, limit]);
  }

  async countLow(): Promise<number> {
    return (await this.database.readFirst(countLow, []))?.total ?? 0;
  }
}
