import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx, unnamed } from '../platform/database/statement.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import { freeStock, hasVariants, isSellable, WITH_OVERDUE_GOODS } from '../product/product.types.js';
import type { LowSort, ReservationStatus } from './inventory.types.js';

/** What one product has to give, goods of overdue holds among it. */
export interface Available {
  product_id: number;
  available: number;
}

/** The hold that goes by an order id, whether its time has passed, and whether the order is one of the shop's own. */
export interface HoldOfOrder {
  status: ReservationStatus;
  overdue: boolean;
  of_shop: boolean;
}

export interface StockTotals extends StockLevels {
  products: number;
  reserved_units: number;
}

export interface StockLevels {
  out_of_stock: number;
  low_stock: number;
  units: number;
  /** In minor units, as text: all stock together may be worth more than a number can say exactly. */
  stock_value_minor: string;
}

export interface LowProduct {
  product_id: number;
  sku: string;
  name: string;
  stock: number;
  low_stock_threshold: number;
}

const findAvailable = new Statement<Available>(
  'stock-find-available',
  `${WITH_OVERDUE_GOODS}
   SELECT p.id AS product_id, ${freeStock('p')} AS available FROM products p
   WHERE p.id = ANY($1::int[]) AND ${isSellable('p')} AND NOT ${hasVariants('p')}`,
);

// An id of ours is written in lower case; whoever writes it otherwise means the same order.
const findHold = new Statement<HoldOfOrder>(
  'stock-find-hold',
  `SELECT status, expires_at <= now() AS overdue, order_id IS NOT NULL AS of_shop FROM reservations
   WHERE order_ref = $1 OR (order_ref = lower($1) AND order_id IS NOT NULL)
   ORDER BY of_shop DESC LIMIT 1`,
);

// What there is to sell, each with what of it is free.
const COUNTED = `${WITH_OVERDUE_GOODS}, counted AS (
    SELECT p.id, p.sku, p.name, p.price_minor, p.low_stock_threshold, ${freeStock('p')} AS stock
    FROM products p WHERE p.deleted_at IS NULL AND NOT ${hasVariants('p')})`;
// No index goes by it: one that looks at the stock would cost every sale its cheap update in place.
const LOW = 'low_stock_threshold > 0 AND stock <= low_stock_threshold';

const LEVELS = `count(*) FILTER (WHERE stock = 0) AS out_of_stock, count(*) FILTER (WHERE ${LOW}) AS low_stock,
          coalesce(sum(stock), 0)::bigint AS units, coalesce(sum(stock::numeric * price_minor), 0)::text AS stock_value_minor`;

const sumUp = new Statement<StockTotals>(
  'stock-sum-up',
  `${COUNTED}
   SELECT count(*) AS products, ${LEVELS},
          (SELECT coalesce(sum(-m.delta), 0) FROM reservations r
           JOIN stock_movements m ON m.order_ref = r.order_ref AND m.kind IN ('taken', 'returned')
           WHERE r.status = 'active') - (SELECT coalesce(sum(quantity), 0)::bigint FROM overdue) AS reserved_units
   FROM counted`,
);

// Without what is reserved, for which ledger and holds are read: nobody waits for a monitor.
const measureLevels = new Statement<StockLevels>(
  'stock-measure-levels',
  `${COUNTED} SELECT ${LEVELS} FROM counted`,
);

const LOW_ORDERS: Record<LowSort, ListOrder> = {
  id: { columns: { id: 'bigint' }, descending: false },
  stock: { columns: { stock: 'bigint', id: 'bigint' }, descending: false },
};

const countLow = new Statement<{ total: number }>(
  'stock-count-low',
  `${COUNTED} SELECT count(*) AS total FROM counted WHERE ${LOW}`,
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

  /** What of `sumUp` can be had from the products and the overdue holds alone. */
  async measureLevels(): Promise<StockLevels> {
    return (await this.database.readFirst(measureLevels, [])) as StockLevels;
  }

  /** One page in the sort's order, beginning after the place that `after` names. */
  async listLow(sort: LowSort, after: Keyset | null, limit: number): Promise<LowProduct[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const rest = after ? `AND ${beyond(LOW_ORDERS[sort], after, bind)}` : '';
    const text = `${COUNTED}
      SELECT id AS product_id, sku, name, stock, low_stock_threshold FROM counted WHERE ${LOW} ${rest}
      ORDER BY ${orderBy(LOW_ORDERS[sort])} LIMIT ${bind(limit)}`;
    return this.database.read(unnamed<LowProduct>(text), values);
  }

  async countLow(): Promise<number> {
    return (await this.database.readFirst(countLow, []))?.total ?? 0;
  }
}
