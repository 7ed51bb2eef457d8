import { setTimeout as pause } from 'node:timers/promises';
import type { Client as Postgres } from 'pg';
import type { Options } from './options.js';
import { findBroken, readBooks, readChanges } from './promises.js';
import type { Shop } from './shop.js';
import { PRODUCTS, USERS } from './stock-room.js';

const HOLDS = 10_000;
const EVENTS = 20_000;
const CONSUMER = 'stock-watch';
const LOOK_INTERVAL_MS = 50;
const LOOKS_MAX = 6_000;

export type TaskName = 'sweep' | 'events';

/** Work that nobody waits for: how much of it there was at once, and how long it took. */
export interface Task {
  name: TaskName;
  count: number;
  seconds: number;
  /** What is wrong in the tables afterwards; empty when every promise is kept. */
  broken: string[];
}

const TASKS: Record<TaskName, (postgres: Postgres) => Promise<Task>> = {
  sweep: measureSweep,
  events: measureEvents,
};

/** Gives the service each kind of work at once, and nothing else to do meanwhile. */
export async function measureTasks(
  { postgres }: Shop,
  { only }: Options,
  tell: (task: Task) => void,
): Promise<Task[]> {
  const tasks: Task[] = [];
  for (const [name, measure] of Object.entries(TASKS).filter(([name]) => name.includes(only))) {
    await untilEventsAreDone(postgres);
    await postgres.query('CHECKPOINT');
    const task = await measure(postgres);
    tell(task);
    tasks.push({ ...task, name: name as TaskName });
  }
  return tasks;
}

/** Until the relay has handed on all that there is, and the consumers have acted on it. */
export async function untilEventsAreDone(postgres: Postgres): Promise<void> {
  await until(
    postgres,
    `NOT EXISTS (SELECT FROM events_undispatched)
     AND NOT EXISTS (SELECT FROM pgboss.job WHERE name LIKE 'events.%' AND state < 'completed')`,
  );
}

// Orders that nobody has paid for in time, of one line each: all of them are there at one moment.
const GIVE_OVERDUE = [
  'BEGIN',
  `CREATE TEMP TABLE late ON COMMIT PRESERVE ROWS AS
   SELECT uuidv7() AS id, n, 1 + (n * 31) % ${USERS} AS user_id, p.id AS product_id, p.sku, p.name, p.price_minor,
          p.stock - row_number() OVER (PARTITION BY p.id ORDER BY n) AS stock_after
   FROM generate_series(1, ${HOLDS}) n JOIN products p ON p.id = 1 + (n * 7919) % ${PRODUCTS}`,
  `INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor, total_price_minor)
   SELECT id, user_id, 'pending', 'unpaid', 'credit_card', 'USD', price_minor, price_minor FROM late ORDER BY n`,
  `INSERT INTO order_lines (order_id, product_id, position, sku, product_name, quantity, price_minor, subtotal_minor)
   SELECT id, product_id, 0, sku, name, 1, price_minor, price_minor FROM late ORDER BY n`,
  `INSERT INTO order_history (order_id, status) SELECT id, 'pending' FROM late ORDER BY n`,
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref)
   SELECT product_id, 'taken', -1, stock_after, id::text FROM late ORDER BY n`,
  `UPDATE products p SET stock = p.stock - t.units
   FROM (SELECT product_id, count(*) AS units FROM late GROUP BY product_id) t WHERE t.product_id = p.id`,
  `INSERT INTO reservations (id, order_ref, order_id, payment_method, ttl_seconds, created_at, expires_at)
   SELECT uuidv7(), id::text, id, 'credit_card', 1800, now() - interval '31 minutes', now() - interval '1 minute'
   FROM late ORDER BY n`,
];

async function measureSweep(postgres: Postgres): Promise<Task> {
  for (const text of GIVE_OVERDUE) await postgres.query(text);
  await postgres.query('COMMIT');
  const before = await readBooks(postgres);
  await until(
    postgres,
    `NOT EXISTS (SELECT FROM reservations WHERE status = 'active' AND expires_at <= now())`,
  );
  // By the database's clock: the sweep comes when it comes, and only from then on it is at work.
  const { rows } = await postgres.query<{ seconds: number; ended: number }>(
    `SELECT extract(epoch FROM max(r.ended_at) - min(r.ended_at))::float8 AS seconds, count(*)::int AS ended
     FROM late JOIN reservations r ON r.order_id = late.id AND r.status = 'expired'
     JOIN orders o ON o.id = late.id AND o.status = 'expired'`,
  );
  const { seconds, ended } = rows[0] as { seconds: number; ended: number };
  const changes = await readChanges(postgres, before);
  const broken = await findBroken(postgres, changes);
  if (ended !== HOLDS) broken.push(`${HOLDS} holds were overdue, ${ended} have ended with their orders`);
  if (changes.unitsInStock !== HOLDS) broken.push(`${changes.unitsInStock} units have come back of ${HOLDS}`);
  await postgres.query('DROP TABLE late');
  return { name: 'sweep', count: HOLDS, seconds, broken };
}

// What a consumer acts on for as long as there is stock: counts of products, which are not low.
const TELL_EVENTS = `
  WITH told AS (
    INSERT INTO events (id, type, data)
    SELECT uuidv7(), 'stock.changed', jsonb_build_object('product_id', p.id, 'stock', p.stock, 'sequence', greatest(p.stock_sequence, 1))
    FROM generate_series(1, ${EVENTS}) n JOIN products p ON p.id = 1 + (n * 7919) % ${PRODUCTS}
    RETURNING id, type),
  waiting AS (INSERT INTO events_undispatched (event_id, type) SELECT id, type FROM told)
  SELECT array_agg(id) AS ids FROM told`;

async function measureEvents(postgres: Postgres): Promise<Task> {
  const { rows } = await postgres.query<{ ids: string[] }>(TELL_EVENTS);
  const committed = performance.now();
  await untilEventsAreDone(postgres);
  const seconds = (performance.now() - committed) / 1_000;
  const found = await postgres.query<{ effects: number }>(
    `SELECT count(*)::int AS effects FROM event_processing_log WHERE consumer = $1 AND event_id = ANY($2::uuid[])`,
    [CONSUMER, rows[0]?.ids],
  );
  const effects = found.rows[0]?.effects;
  const broken = effects === EVENTS ? [] : [`${EVENTS} events, ${effects} effects`];
  return { name: 'events', count: EVENTS, seconds, broken };
}

async function until(postgres: Postgres, condition: string): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const { rows } = await postgres.query<{ done: boolean }>(`SELECT ${condition} AS done`);
    if (rows[0]?.done) return;
    await pause(LOOK_INTERVAL_MS);
  }
  throw new Error(`it never came to this: ${condition}`);
}
