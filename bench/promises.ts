import type { Client as Postgres } from 'pg';
import { type Measurement, UNANSWERED } from './closed-loop.js';

/** What the tables say has been sold. */
interface Books {
  orders: number;
  claims: number;
  unitsOrdered: number;
  unitsTaken: number;
  unitsInStock: number;
}

const READ_BOOKS = `
  SELECT (SELECT count(*) FROM orders)::float8 AS "orders",
         (SELECT count(*) FROM idempotency_keys)::float8 AS "claims",
         (SELECT sum(quantity) FROM order_lines)::float8 AS "unitsOrdered",
         (SELECT -sum(delta) FROM stock_movements)::float8 AS "unitsTaken",
         (SELECT sum(stock) FROM products)::float8 AS "unitsInStock"`;

// Product by product: a sum over all of them would not see one's loss made up by another's gain.
const FIND_BROKEN = `
  SELECT p.id FROM products p
  LEFT JOIN (SELECT product_id, sum(delta) AS delta FROM stock_movements GROUP BY product_id) m ON m.product_id = p.id
  LEFT JOIN (SELECT product_id, sum(quantity) AS units FROM order_lines GROUP BY product_id) l ON l.product_id = p.id
  WHERE p.stock < 0 OR p.first_count + coalesce(m.delta, 0) <> p.stock OR coalesce(l.units, 0) <> -coalesce(m.delta, 0)`;

export async function readBooks(postgres: Postgres): Promise<Books> {
  return (await postgres.query<Books>(READ_BOOKS)).rows[0] as Books;
}

/** Compares what was acknowledged in a cell with what its orders, the ledger and the stock say. @returns what is wrong. */
export async function findBroken(postgres: Postgres, before: Books, cell: Measurement): Promise<string[]> {
  const after = await readBooks(postgres);
  const orders = after.orders - before.orders;
  const claims = after.claims - before.claims;
  const ordered = after.unitsOrdered - before.unitsOrdered;
  const taken = after.unitsTaken - before.unitsTaken;
  const gone = before.unitsInStock - after.unitsInStock;
  // A call without an answer may or may not have had its effect, but never half of it.
  const ordersMax = cell.acknowledged + (cell.errors.get(UNANSWERED) ?? 0);
  const broken: string[] = [];
  if (orders < cell.acknowledged || orders > ordersMax) {
    broken.push(`${cell.acknowledged} orders were acknowledged, ${orders} are there`);
  }
  if (claims !== orders) broken.push(`${orders} orders, ${claims} idempotency keys`);
  if (ordered !== taken) broken.push(`${ordered} units in orders, ${taken} in the ledger`);
  if (taken !== gone) broken.push(`${taken} units in the ledger, ${gone} gone from the stock`);
  const { rows } = await postgres.query<{ id: number }>(FIND_BROKEN);
  if (rows.length > 0)
    broken.push(`the books of product ${rows.map(({ id }) => id).join(', ')} do not agree`);
  return broken;
}
