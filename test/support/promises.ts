import { AuditService } from '../../src/audit/audit.service.js';
import type { TestApp, TestDatabase } from './boot.js';

/** Each promise with the query that finds the rows which break it. */
const PROMISES = {
  'stock is never negative': 'SELECT id, stock FROM products WHERE stock < 0',

  'first count and ledger make the stock': `
    SELECT p.id, p.first_count, p.stock, sum(m.delta) AS moved
    FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
    GROUP BY p.id HAVING p.first_count + coalesce(sum(m.delta), 0) <> p.stock`,

  'every ledger row follows from the one before': `
    SELECT * FROM (
      SELECT m.id, m.product_id, m.stock_after,
             p.first_count + sum(m.delta) OVER (PARTITION BY m.product_id ORDER BY m.id) AS should_be
      FROM stock_movements m JOIN products p ON p.id = m.product_id) chain
    WHERE stock_after <> should_be`,

  'an order has taken exactly its lines': `
    SELECT coalesce(l.order_id::text, m.order_ref) AS order_id, l.quantity, m.taken
    FROM order_lines l FULL JOIN (
      SELECT order_ref, product_id, -sum(delta) / max(round) AS taken FROM stock_movements WHERE kind = 'taken'
      GROUP BY order_ref, product_id) m ON m.order_ref = l.order_id::text AND m.product_id = l.product_id
    WHERE l.quantity IS DISTINCT FROM m.taken`,

  'an ended order has given back all it took, and no other has': `
    SELECT o.id, o.status, m.product_id, m.taken, m.returned
    FROM orders o JOIN (
      SELECT order_ref, product_id, -sum(delta) FILTER (WHERE kind = 'taken') AS taken,
             max(round) FILTER (WHERE kind = 'taken') AS rounds,
             coalesce(sum(delta) FILTER (WHERE kind = 'returned'), 0) AS returned
      FROM stock_movements WHERE order_ref IS NOT NULL GROUP BY order_ref, product_id) m ON m.order_ref = o.id::text
    WHERE m.returned <> CASE WHEN o.status IN ('failed', 'expired', 'cancelled') THEN m.taken
                             ELSE m.taken * (m.rounds - 1) / m.rounds END`,

  'the hold of an order stands as the order does': `
    SELECT o.id, o.status, r.status AS hold FROM orders o LEFT JOIN reservations r ON r.order_id = o.id
    WHERE r.status IS DISTINCT FROM CASE
      WHEN o.status = 'pending' THEN 'active'
      WHEN EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.status = 'expired') THEN 'expired'
      WHEN EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.status = 'paid') THEN 'fulfilled'
      ELSE 'cancelled' END`,

  'an order has at most one captured payment': `
    SELECT order_id, count(*) FROM payments WHERE status = 'succeeded' GROUP BY order_id HAVING count(*) > 1`,

  'a paid order has its money, and no ended order keeps any': `
    SELECT o.id, o.status, p.id AS payment FROM orders o
    LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'succeeded'
    WHERE o.total_price_minor > 0 AND CASE WHEN o.status IN ('paid', 'shipped', 'delivered')
      THEN p.id IS NULL ELSE p.refunded_minor < p.amount_minor END`,

  'a round of a cart is bought once': `
    SELECT cart_id, cart_round, count(*) FROM orders
    WHERE cart_id IS NOT NULL AND status NOT IN ('failed', 'expired', 'cancelled')
    GROUP BY cart_id, cart_round HAVING count(*) > 1`,

  'the history is a way that an order may go, and ends where the order stands': `
    SELECT * FROM (
      SELECT o.id, o.status AS stands, h.status AS came_to,
             lag(h.status, 1, 'nothing') OVER by_time AS came_from,
             lead(h.status) OVER by_time IS NULL AS is_last
      FROM orders o LEFT JOIN order_history h ON h.order_id = o.id
      WINDOW by_time AS (PARTITION BY o.id ORDER BY h.id)) steps
    WHERE (is_last AND stands IS DISTINCT FROM came_to) OR came_from <> came_to AND (came_from, came_to) NOT IN (
      ('nothing', 'pending'), ('pending', 'paid'), ('pending', 'failed'), ('pending', 'expired'),
      ('pending', 'cancelled'), ('paid', 'shipped'), ('paid', 'cancelled'), ('shipped', 'delivered'), ('expired', 'paid'))`,

  'a discount is used as often as it counts, and as it may be': `
    SELECT d.id, d.times_used, count(u.order_id) AS live FROM discounts d
    LEFT JOIN discount_uses u ON u.discount_id = d.id AND u.returned_at IS NULL
    GROUP BY d.id HAVING d.times_used <> count(u.order_id) OR d.times_used > d.usage_limit`,

  'a balance of points is what its entries make, and not negative': `
    SELECT a.user_id, a.balance, a.owed, sum(e.delta) AS booked
    FROM points_accounts a LEFT JOIN points_entries e USING (user_id) GROUP BY a.user_id
    HAVING a.balance - a.owed <> coalesce(sum(e.delta), 0) OR a.balance < 0 OR a.owed < 0 OR (a.balance > 0 AND a.owed > 0)`,

  'what an order had earned is gone when it comes to nothing': `
    SELECT o.id, o.status, o.payment_status, sum(e.delta) AS keeps FROM orders o JOIN points_entries e ON e.order_id = o.id
    WHERE e.kind IN ('earned', 'taken_back') AND (o.status = 'cancelled' OR o.payment_status = 'refunded')
    GROUP BY o.id HAVING sum(e.delta) <> 0`,

  'an order has its discount and its points until it comes to nothing': `
    SELECT o.id, o.status, u.returned_at, p.kept FROM orders o LEFT JOIN discount_uses u ON u.order_id = o.id
    CROSS JOIN LATERAL (
      SELECT coalesce(-sum(e.delta), 0) AS kept FROM points_entries e
      WHERE e.order_id = o.id AND e.kind IN ('redeemed', 'returned')) p
    CROSS JOIN LATERAL (SELECT o.status NOT IN ('failed', 'expired', 'cancelled') AS is_live) l
    WHERE (o.discount_code IS NULL) <> (u.order_id IS NULL) OR (u.returned_at IS NULL) <> (u.order_id IS NULL OR l.is_live)
       OR p.kept <> CASE WHEN l.is_live THEN o.redeemed_points ELSE 0 END`,

  'every step of an order is told once': `
    SELECT h.order_id, h.status, e.told FROM (SELECT DISTINCT order_id, status FROM order_history) h
    CROSS JOIN LATERAL (
      SELECT count(*) AS told FROM events e WHERE e.data->>'order_id' = h.order_id::text
        AND e.type = 'order.' || CASE h.status WHEN 'pending' THEN 'placed' ELSE h.status END) e
    WHERE e.told <> 1`,
};

export type PromiseName = keyof typeof PROMISES;

/** The promises that the tables break, by name. */
export async function brokenPromises(database: TestDatabase): Promise<PromiseName[]> {
  const names = Object.keys(PROMISES) as PromiseName[];
  const found = await Promise.all(names.map((name) => database.sql(PROMISES[name])));
  return names.filter((_, index) => (found[index] as object[]).length > 0);
}

/** Proves every promise from the tables, and shows the rows that break one. */
export async function expectPromisesKept(database: TestDatabase): Promise<void> {
  for (const [promise, text] of Object.entries(PROMISES)) {
    expect({ promise, broken: await database.sql(text) }).toEqual({ promise, broken: [] });
  }
}

/** Proves every promise by the service's own audit, which also knows of refunds, returns and other systems' orders. */
export async function expectAuditClean({ app }: TestApp): Promise<void> {
  const { checks } = await app.get(AuditService).audit();
  expect(checks.filter(({ violations }) => violations > 0)).toEqual([]);
}
