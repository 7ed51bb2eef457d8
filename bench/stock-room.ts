import type { Client as Postgres } from 'pg';

export const PRODUCTS = 1_000;
export const USERS = 1_000;
const OLD_ORDERS = 50_000;
/** More of each than any run can sell. */
const FIRST_COUNT = 100_000_000;

const TABLES = [
  `INSERT INTO users (id, email, name, role, password_hash) OVERRIDING SYSTEM VALUE
   SELECT n, 'customer-' || n || '@shop.example', 'Customer ' || n, 'customer', 'nobody logs in' FROM generate_series(1, ${USERS}) n`,

  `INSERT INTO products (id, sku, name, description, price_minor, category, stock, first_count)
   SELECT n, 'SKU-' || lpad(n::text, 5, '0'), 'Product ' || n, repeat('A thing that a shop would sell. ', 5),
          100 + (n * 7919) % 200000, 'category-' || n % 20, ${FIRST_COUNT}, ${FIRST_COUNT}
   FROM generate_series(1, ${PRODUCTS}) n`,

  // A year of orders, delivered all of them, of one to three lines.
  `CREATE TEMP TABLE old_orders AS
   SELECT uuidv7(age) AS id, 1 + (n * 31) % ${USERS} AS user_id, now() + age AS at, n
   FROM generate_series(1, ${OLD_ORDERS}) n
   CROSS JOIN LATERAL (SELECT -interval '2 days' - (${OLD_ORDERS} - n) * interval '10 minutes' AS age) a`,
  `CREATE TEMP TABLE old_lines AS
   SELECT o.id AS order_id, o.at, o.n, k AS position, p.id AS product_id, p.sku, p.name, p.price_minor, 1 + (o.n + k) % 3 AS quantity
   FROM old_orders o CROSS JOIN LATERAL generate_series(0, o.n % 3) k
   JOIN products p ON p.id = 1 + (o.n * 7 + k * 331) % ${PRODUCTS}`,
  'ANALYZE old_orders, old_lines',

  `INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor, total_price_minor,
                       created_at, updated_at)
   SELECT o.id, o.user_id, 'delivered', 'paid', 'credit_card', 'USD', l.price, l.price, o.at, o.at + interval '3 days'
   FROM old_orders o JOIN (SELECT order_id, sum(price_minor * quantity) AS price FROM old_lines GROUP BY order_id) l
     ON l.order_id = o.id ORDER BY o.n`,
  `INSERT INTO order_lines (order_id, product_id, position, sku, product_name, quantity, price_minor, subtotal_minor)
   SELECT order_id, product_id, position, sku, name, quantity, price_minor, price_minor * quantity FROM old_lines ORDER BY n, position`,
  `INSERT INTO order_history (order_id, status, at)
   SELECT o.id, s.status, o.at + s.after FROM old_orders o
   CROSS JOIN (VALUES ('pending', interval '0'), ('paid', interval '1 minute'), ('shipped', interval '1 day'),
                      ('delivered', interval '3 days')) AS s(status, after)
   ORDER BY o.n, s.after`,
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, created_at)
   SELECT product_id, 'taken', -quantity,
          ${FIRST_COUNT} - sum(quantity) OVER (PARTITION BY product_id ORDER BY n, position), order_id::text, at
   FROM old_lines ORDER BY n, position`,
  `UPDATE products p SET stock = p.stock - t.quantity
   FROM (SELECT product_id, sum(quantity) AS quantity FROM old_lines GROUP BY product_id) t WHERE t.product_id = p.id`,
  `INSERT INTO reservations (id, order_ref, order_id, status, payment_method, ttl_seconds, expires_at, created_at, ended_at)
   SELECT uuidv7(o.at - now()), o.id::text, o.id, 'fulfilled', 'credit_card', 1800, o.at + interval '30 minutes', o.at,
          o.at + interval '1 minute'
   FROM old_orders o ORDER BY o.n`,
  `INSERT INTO payments (id, order_id, attempt, status, amount_minor, currency, provider, provider_payment_id, idempotency_key,
                         request, next_check_at, created_at, settled_at)
   SELECT uuidv7(o.created_at - now()), o.id, 1, 'succeeded', o.total_price_minor, 'USD', 'sandbox', 'old-' || o.id,
          'order-' || o.id || '-payment', '{}', o.created_at, o.created_at, o.created_at + interval '1 minute'
   FROM orders o ORDER BY o.created_at`,
  `INSERT INTO events (id, type, data, created_at)
   SELECT uuidv7(o.at - now()), t.type, jsonb_build_object('order_id', o.id, 'user_id', o.user_id), o.at
   FROM old_orders o CROSS JOIN (VALUES ('order.placed'), ('order.paid')) AS t(type) ORDER BY o.n`,
  'DROP TABLE old_orders, old_lines',
];

/**
 * Fills a migrated, empty database with a shop that has been selling for a year. On empty tables Postgres makes plans for
 * empty tables, and keeps them: the figures would be another shop's.
 */
export async function fillStockRoom(postgres: Postgres): Promise<void> {
  for (const text of TABLES) await postgres.query(text);
  await postgres.query('VACUUM ANALYZE');
}
