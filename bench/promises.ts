import type { Client as Postgres } from 'pg';
import { type Measurement, UNANSWERED } from './closed-loop.js';

/** What the orders of another system than the shop begin with, here. */
export const OTHERS = 'WH-';

/** What the tables say has been sold. */
export interface Books {
  orders: number;
  claims: number;
  /** On the lines of orders that have not come to nothing. */
  unitsOrdered: number;
  /** By the ledger: for orders of the shop, and for those of others; what has come back is taken off. */
  unitsTaken: number;
  unitsTakenByOthers: number;
  unitsInStock: number;
}

const LIVE_LINES = `order_lines l JOIN orders o ON o.id = l.order_id AND o.status NOT IN ('failed', 'expired', 'cancelled')`;
const BY_OTHERS = `order_ref LIKE '${OTHERS}%'`;

const READ_BOOKS = `
  SELECT (SELECT count(*) FROM orders)::float8 AS "orders",
         (SELECT count(*) FROM idempotency_keys)::float8 AS "claims",
         (SELECT sum(l.quantity) FROM ${LIVE_LINES})::float8 AS "unitsOrdered",
         m.*,
         (SELECT sum(stock) FROM products)::float8 AS "unitsInStock"
  FROM (SELECT -sum(delta) FILTER (WHERE NOT ${BY_OTHERS})::float8 AS "unitsTaken",
               coalesce(-sum(delta) FILTER (WHERE ${BY_OTHERS}), 0)::float8 AS "unitsTakenByOthers"
        FROM stock_movements) m`;

// Product by product: a sum over all of them would not see one's loss made up by another's gain.
const FIND_BROKEN = `
  SELECT p.id FROM products p
  LEFT JOIN (SELECT product_id, sum(delta) AS delta, sum(delta) FILTER (WHERE NOT ${BY_OTHERS}) AS sold
             FROM stock_movements GROUP BY product_id) m ON m.product_id = p.id
  LEFT JOIN (SELECT l.product_id, sum(l.quantity) AS units FROM ${LIVE_LINES} GROUP BY l.product_id) l ON l.product_id = p.id
  WHERE p.stock < 0 OR p.first_count + coalesce(m.delta, 0) <> p.stock OR coalesce(l.units, 0) <> -coalesce(m.sold, 0)`;

export async function readBooks(postgres: Postgres): Promise<Books> {
  return (await postgres.query<Books>(READ_BOOKS)).rows[0] as Books;
}

/** What has come of each figure since `before`. */
export async function readChanges(postgres: Postgres, before: Books): Promise<Books> {
  const after = await readBooks(postgres);
  const changes = Object.entries(after).map(([name, value]) => [name, value - before[name as keyof Books]]);
  return Object.fromEntries(changes) as Books;
}

/** Compares what orders, ledger and stock say since `before`, in all and product by product. @returns what is wrong. */
export async function findBroken(postgres: Postgres, changes: Books): Promise<string[]> {
  const { unitsOrdered: ordered, unitsTaken: taken, unitsTakenByOthers: others } = changes;
  const gone = -changes.unitsInStock;
  const broken: string[] = [];
  if (ordered !== taken) broken.push(`${ordered} units in orders, ${taken} in the ledger`);
  if (taken + others !== gone)
    broken.push(`${taken + others} units in the ledger, ${gone} gone from the stock`);
  const { rows } = await postgres.query<{ id: number }>(FIND_BROKEN);
  if (rows.length > 0)
    broken.push(`the books of product ${rows.map(({ id }) => id).join(', ')} do not agree`);
  return broken;
}

/** Compares what was acknowledged in a cell with what the tables say. @returns what is wrong. */
export async function findBrokenByOrders(
  postgres: Postgres,
  before: Books,
  { acknowledged, errors }: Pick<Measurement, 'acknowledged' | 'errors'>,
): Promise<string[]> {
  const changes = await readChanges(postgres, before);
  const { orders, claims } = changes;
  // A call without an answer may or may not have had its effect, but never half of it.
  const ordersMax = acknowledged + (errors.get(UNANSWERED) ?? 0);
  const broken: string[] = [];
  if (orders < acknowledged || orders > ordersMax) {
    broken.push(`${acknowledged} orders were acknowledged, ${orders} are there`);
  }
  if (claims !== orders) broken.push(`${orders} orders, ${claims} idempotency keys`);
  return [...broken, ...(await findBroken(postgres, changes))];
}
