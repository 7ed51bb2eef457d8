import type { Client as Postgres } from 'pg';

/** How large a shop is. Every order has two lines. */
export interface Size {
  products: number;
  lines: number;
}

const FIRST_COUNT = 100_000_000;
/** Of products, so that there are rows to skip: every tenth has two variants, and some are not sold any more. */
export const usersOf = ({ products }: Size) => Math.max(1_000, products / 10);

// Words as shops use them. A material is in one name of twenty, a colour in one of twelve, a kind in one of thirty; each
// product has a model of its own. In all descriptions there are words that all of them have.
const WORDS = `CREATE TEMP TABLE words AS SELECT
  string_to_array('steel wood glass paper cotton leather copper marble silver bamboo ceramic linen rubber wool plastic granite velvet carbon bronze cork', ' ') AS materials,
  string_to_array('red blue green black white yellow brown purple orange pink grey beige', ' ') AS colours,
  string_to_array('lamp table chair kettle bottle knife shelf mirror carpet curtain basket clock vase pillow blanket teapot ladder hammer wallet backpack jacket helmet guitar camera printer monitor keyboard charger speaker bicycle', ' ') AS kinds`;

const tables = ({ products, lines }: Size, users: number) => [
  // Nobody looks up a million foreign keys that are right by the way they are made.
  `SET session_replication_role = replica`,
  `SET synchronous_commit = off`,
  `SET maintenance_work_mem = '256MB'`,
  WORDS,
  `INSERT INTO users (id, email, name, role, password_hash) OVERRIDING SYSTEM VALUE
   SELECT n, 'customer-' || n || '@shop.example', 'Customer ' || n, 'customer', 'nobody logs in' FROM generate_series(1, ${users}) n`,

  // A few products sell most of what is sold, as everywhere.
  `CREATE TEMP TABLE old_orders AS
   SELECT uuidv7(age) AS id, 1 + (n::bigint * 31) % ${users} AS user_id, now() + age AS at, n,
          1 + floor(${products} * power((n::bigint * 7919 % 1000003) / 1000003.0, 3))::int AS product_id
   FROM generate_series(1, ${lines / 2}) n
   CROSS JOIN LATERAL (SELECT -interval '2 days' - (${lines / 2} - n) * interval '${(31_536_000 / lines) * 2} seconds' AS age) a`,
  `CREATE TEMP TABLE old_lines AS
   SELECT o.id AS order_id, o.at, k AS position, 1 + (o.n + k) % 3 AS quantity,
          CASE k WHEN 0 THEN o.product_id ELSE 1 + (o.product_id + o.n % (${products} - 1)) % ${products} END AS product_id
   FROM old_orders o CROSS JOIN generate_series(0, 1) k`,
  'ANALYZE old_orders, old_lines',

  `INSERT INTO products (id, sku, name, description, price_minor, category, parent_id, active, stock, first_count)
   SELECT n, 'SKU-' || lpad(n::text, 7, '0'),
          initcap(materials[1 + chance % 20] || ' ' || colours[1 + chance / 20 % 12] || ' ' || kinds[1 + chance / 240 % 30]) || ' M' || n,
          'A thing for every day, made to last. Goes well with ' || kinds[1 + chance / 7200 % 30] || ' and '
            || materials[1 + chance / 216000 % 20] || '.',
          100 + (n::bigint * 7919) % 200000, 'category-' || n % 200,
          CASE WHEN n <> base THEN base END, n % 50 <> 7, ${FIRST_COUNT} - coalesce(sold, 0), ${FIRST_COUNT}
   FROM generate_series(10, ${products + 9}) n CROSS JOIN words
   CROSS JOIN LATERAL (SELECT CASE WHEN n % 10 IN (1, 2) THEN n - n % 10 ELSE n END AS base) b
   CROSS JOIN LATERAL (SELECT hashint4(base) & 2147483647 AS chance) c
   LEFT JOIN (SELECT product_id, sum(quantity) AS sold FROM old_lines GROUP BY product_id) s ON s.product_id = n`,
  `INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor, total_price_minor,
                       created_at, updated_at)
   SELECT id, user_id, 'delivered', 'paid', 'credit_card', 'USD', 1000, 1000, at, at + interval '3 days' FROM old_orders ORDER BY n`,
  `INSERT INTO order_lines (order_id, product_id, position, sku, product_name, quantity, price_minor, subtotal_minor)
   SELECT order_id, product_id, position, 'SKU-' || product_id, 'Product ' || product_id, quantity, 500, 500 * quantity FROM old_lines`,
  `INSERT INTO order_history (order_id, status, at) SELECT id, 'delivered', at + interval '3 days' FROM old_orders ORDER BY n`,
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, created_at)
   SELECT product_id, 'taken', -quantity, ${FIRST_COUNT}, order_id::text, at FROM old_lines`,
  `INSERT INTO reservations (id, order_ref, order_id, status, payment_method, ttl_seconds, expires_at, created_at, ended_at)
   SELECT uuidv7(at - now()), id::text, id, 'fulfilled', 'credit_card', 1800, at + interval '30 minutes', at, at + interval '1 minute'
   FROM old_orders ORDER BY n`,
  'DROP TABLE old_orders, old_lines, words',
  'RESET session_replication_role',
  // What triggers do for each product otherwise.
  'INSERT INTO product_words SELECT DISTINCT w.word FROM products p CROSS JOIN words_of_name(p.name) w (word)',
  `INSERT INTO product_terms SELECT DISTINCT t.term, coalesce(p.parent_id, p.id)
   FROM products p CROSS JOIN terms_of_name(p.search) t (term) ORDER BY 1, 2`,
  `INSERT INTO variant_prices SELECT v.id, p.id, p.price_minor, v.price_minor FROM products v JOIN products p ON p.id = v.parent_id`,
  `SELECT setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products))`,
];

const INDEXES = `SELECT pg_get_indexdef(i.indexrelid) AS definition, 'DROP INDEX ' || i.indexrelid::regclass AS removal
   FROM pg_index i
   WHERE i.indrelid = ANY ('{products,variant_prices,orders,order_lines,order_history,stock_movements,reservations}'::regclass[])
     AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)`;

/** Fills a migrated, empty database with a shop of that size, set by set. Indexes are built at once, when all is there. */
export async function fillScaleRoom(postgres: Postgres, size: Size): Promise<void> {
  const { rows: indexes } = await postgres.query<{ definition: string; removal: string }>(INDEXES);
  for (const { removal } of indexes) await postgres.query(removal);
  for (const text of tables(size, usersOf(size))) await postgres.query(text);
  for (const { definition } of indexes) await postgres.query(definition);
  await postgres.query('VACUUM ANALYZE');
}
