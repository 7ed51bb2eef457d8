import { EventConsumers } from '../../src/event/consumers.js';
import type { NewEvent } from '../../src/event/event.types.js';
import { RelayService } from '../../src/event/relay.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { clientOf } from '../../src/platform/database/statement.js';
import { whenCommitted } from '../../src/platform/database/when-committed.js';
import { Jobs } from '../../src/platform/jobs/jobs.service.js';
import { Clerk, givenEffects, IMPATIENT, tell } from '../event/given-consumer.js';
import { BY_HAND } from '../inventory/holds.js';
import { Warehouse } from '../inventory/warehouse.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import {
  type GivenSandbox,
  givenAdminShopper,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { scrape } from '../support/scrape.js';
import { WebhookCalls } from '../webhook/calls.js';
import { Receiver } from '../webhook/receiver.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let shopper: Shopper;
let admin: Shopper;
let warehouse: Warehouse;
/** Of an event that nothing else here tells. */
const arrived = (n: number): NewEvent => ({ type: 'order.delivered', data: { n } });
const clerk = new Clerk('clerk', ['order.delivered']);

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  await givenEffects(database);
  const settings = { ...sandbox.settings, ...BY_HAND, ...IMPATIENT, PAYMENT_TIMEOUT_MS: '500' };
  app = await bootApp(database, settings, (nest) => nest.get(EventConsumers).register(clerk));
  shopper = await givenShopper(app);
  admin = await givenAdminShopper(app, database);
  warehouse = await Warehouse.of(app, database);
});

afterAll(async () => {
  await app.close();
  await database.drop();
  await sandbox.close();
});

/** By how much figures have grown while something was done. */
async function growth(of: Record<string, [string, Record<string, string>?]>, work: () => Promise<unknown>) {
  const look = async () => {
    const told = await scrape(app);
    return Object.entries(of).map(([key, [name, labels]]) => [key, told.figure(name, labels) ?? 0] as const);
  };
  const before = new Map(await look());
  await work();
  return Object.fromEntries((await look()).map(([key, now]) => [key, now - (before.get(key) as number)]));
}

describe('what is counted with a transaction', () => {
  const door = () => app.app.get(DatabaseService);

  it('is counted once, though Postgres has it run twice', async () => {
    let runs = 0;
    let counted = 0;
    await door().transaction(async (tx) => {
      runs += 1;
      whenCommitted(() => {
        counted += 1;
      }, tx);
      if (runs === 1) await clientOf(tx).query(`DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`);
    });
    expect([runs, counted]).toEqual([2, 1]);
  });

  it('is not counted when it is rolled back, nor is a part that was', async () => {
    const counted: string[] = [];
    const failing = door().transaction(async (tx) => {
      whenCommitted(() => counted.push('all'), tx);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await door().transaction(async (tx) => {
      whenCommitted(() => counted.push('before'), tx);
      const part = door().part(async () => {
        whenCommitted(() => counted.push('part'), tx);
        throw new Error('no');
      }, tx);
      await part.catch(() => undefined);
      whenCommitted(() => counted.push('after'), tx);
      expect(counted).toEqual([]);
    });
    expect(counted).toEqual(['before', 'after']);
  });
});

describe('the shop', () => {
  it('counts requests to hold goods, by who makes them and what they come to, and times them', async () => {
    const product_id = await givenProduct(database, { stock: 3 });
    const of = (origin: string, outcome: string): [string, Record<string, string>] => [
      'reservation_requests_total',
      { origin, outcome },
    ];
    const grown = await growth(
      {
        placed: of('shop', 'created'),
        repeated: of('shop', 'repeated'),
        short: of('shop', 'insufficient_stock'),
        refused: of('shop', 'refused'),
        held: of('external', 'created'),
        shortForOthers: of('external', 'insufficient_stock'),
        failed: ['reservation_requests_total', { outcome: 'failed' }],
        timed: ['reservation_duration_seconds_count', { origin: 'shop' }],
      },
      async () => {
        const one = [{ product_id, quantity: 1 }];
        await shopper.place(one, {}, 'key-1');
        await shopper.place(one, {}, 'key-1');
        await shopper.place([{ product_id, quantity: 9 }]);
        await shopper.place([{ product_id: 999_999, quantity: 1 }]);
        await warehouse.givenHold(one);
        await warehouse.post('/reservations', { order_id: 'much', items: [{ product_id, quantity: 9 }] });
      },
    );
    expect(grown).toEqual({
      placed: 1,
      repeated: 1,
      short: 1,
      refused: 1,
      held: 1,
      shortForOthers: 1,
      failed: 0,
      timed: 4,
    });
  });

  it('counts the steps of orders, the ends of holds, rows of the ledger and payments, each once', async () => {
    const product_id = await givenProduct(database);
    const items = [{ product_id, quantity: 1 }];
    const step = (from: string, to: string): [string, Record<string, string>] => [
      'order_transitions_total',
      { from, to },
    ];
    const grown = await growth(
      {
        placed: step('new', 'pending'),
        paid: step('pending', 'paid'),
        shipped: step('paid', 'shipped'),
        expired: step('pending', 'expired'),
        fulfilled: ['reservations_ended_total', { end: 'fulfilled' }],
        ranOut: ['reservations_ended_total', { end: 'expired' }],
        taken: ['stock_movements_total', { kind: 'taken' }],
        returned: ['stock_movements_total', { kind: 'returned' }],
        entered: ['stock_movements_total', { kind: 'in' }],
        captured: ['payments_total', { provider: 'sandbox', outcome: 'succeeded' }],
        declined: ['payments_total', { provider: 'sandbox', outcome: 'failed' }],
        unknown: ['payments_total', { provider: 'sandbox', outcome: 'unknown' }],
        refunded: ['refunds_total', { provider: 'sandbox', outcome: 'succeeded' }],
      },
      async () => {
        const bought = await shopper.order(items);
        await shopper.pay(bought.id, { payment_token: 'tok_success' });
        await admin.send('POST', `/admin/orders/${bought.id}/ship`, { body: {} });
        await admin.send('POST', `/admin/orders/${bought.id}/refund`, {
          body: { amount: 1, reason: 'late' },
        });
        const left = await shopper.order(items);
        await givenHoldIsOver(database, left.id);
        await app.app.get(OverdueHolds).sweep();
        const declined = await shopper.order(items);
        await shopper.pay(declined.id, { payment_token: 'tok_declined' });
        const unknown = await shopper.order(items);
        await shopper.pay(unknown.id, { payment_token: 'tok_timeout' });
        await warehouse.post('/movements', { product_id, type: 'in', quantity: 1 });
      },
    );
    expect(grown).toEqual({
      placed: 4,
      paid: 1,
      shipped: 1,
      expired: 1,
      fulfilled: 1,
      ranOut: 1,
      taken: 4,
      returned: 1,
      entered: 1,
      captured: 1,
      declined: 1,
      unknown: 1,
      refunded: 1,
    });
  });

  it('times what is done to the stock, and counts looks at products', async () => {
    const product_id = await givenProduct(database);
    const grown = await growth(
      {
        timed: ['stock_operation_duration_seconds_count', { operation: 'decrement' }],
        looks: ['product_views_total'],
      },
      async () => {
        await warehouse.decrement('timed', [{ product_id, quantity: 1 }]);
        await warehouse.decrement('timed too', [{ product_id, quantity: 999 }]);
        for (const id of [product_id, product_id, 999_999]) await shopper.send('GET', `/products/${id}`);
      },
    );
    expect(grown).toEqual({ timed: 2, looks: 2 });
  });
});

describe('events', () => {
  const consumed = (outcome: string): [string, Record<string, string>] => [
    'events_consumed_total',
    { consumer: 'clerk', outcome },
  ];

  it('are counted when they are handed on and when a consumer has acted on them, or has not', async () => {
    clerk.brokenAt = ({ data }) => data.n === 2;
    const figures = {
      relayed: ['events_relayed_total'],
      done: consumed('done'),
      failed: consumed('failed'),
      parted: consumed('parted'),
      times: ['event_consumption_duration_seconds_count', { consumer: 'clerk' }],
    } satisfies Parameters<typeof growth>[0];
    const grown = await growth(figures, async () => {
      await tell(app, arrived(1), arrived(2), arrived(3));
      await eventually(async () => (await scrape(app)).figure(...consumed('failed')) === 2);
      await eventually(async () => (await scrape(app)).figure(...consumed('done')) === 2);
    });
    // The job of three fails as a whole; then each is tried alone, the bad one twice.
    expect(grown).toEqual({ relayed: expect.any(Number), done: 2, failed: 2, parted: 3, times: 5 });
    expect(grown.relayed).toBeGreaterThanOrEqual(3);
  });

  it('that cannot be handed on are counted as often as that is tried', async () => {
    const jobs = app.app.get(Jobs);
    const send = jobs.send.bind(jobs);
    const failures = async () => (await scrape(app)).figure('event_relay_failures_total') as number;
    const before = await failures();
    jobs.send = async () => {
      throw new Error('the queue is away');
    };
    await tell(app, arrived(4), arrived(5));
    await eventually(async () => (await failures()) >= before + 2);
    jobs.send = send;
    clerk.brokenAt = null;
    await eventually(() => clerk.calls.some(({ data }) => data.n === 5));
  });

  it('that are sent to endpoints are counted by what came of it', async () => {
    const receiver = await Receiver.open();
    const calls = new WebhookCalls(app, admin.user);
    const delivered = { outcome: 'delivered' };
    const failed = { outcome: 'failed' };
    const good = await calls.givenEndpoint(`${receiver.url}/good`, { events: ['order.shipped'] });
    const bad = await calls.givenEndpoint(`${receiver.url}/bad`, { events: ['order.shipped'] });
    receiver.answers(({ path }, response) => response.writeHead(path === '/good' ? 204 : 500).end());
    await calls.tell({ type: 'order.shipped', data: { order_id: 'o-1' } });
    await calls.delivery(good.id, 'delivered');
    await calls.delivery(bad.id, 'failed');
    const told = await eventually(async () => {
      const told = await scrape(app);
      return told.figure('webhook_deliveries_total', failed) === 1 ? told : null;
    });
    expect(told.figure('webhook_deliveries_total', delivered)).toBe(1);
    expect(told.figure('webhook_attempt_duration_seconds_count', { outcome: '2xx' })).toBe(1);
    expect(told.figure('webhook_attempt_duration_seconds_count', { outcome: '5xx' })).toBe(2);
    await receiver.close();
  });
});

describe('figures of the tables', () => {
  const asked: { text: string; values: unknown[] }[] = [];
  let own: TestDatabase;
  let other: TestApp;

  beforeAll(async () => {
    own = await cloneDatabase();
    other = await bootApp(own, BY_HAND, (nest) => {
      nest.get(RelayService).start = () => undefined;
      nest.get(EventConsumers).register(new Clerk('idle'));
    });
  });
  afterAll(async () => {
    await other.close();
    await own.drop();
  });

  it('tell the stock, the open orders and who is behind', async () => {
    await own.sql('UPDATE products SET stock = 0, low_stock_threshold = 0');
    await givenProduct(own, { stock: 2, price: 10 });
    const low = await givenProduct(own, { stock: 3, price: 20 });
    await own.sql('UPDATE products SET low_stock_threshold = 3 WHERE id = $1', [low]);
    const buyer = await givenShopper(other);
    for (const status of ['pending', 'paid', 'shipped', 'delivered']) {
      const product_id = status === 'pending' ? low : await givenProduct(own, { stock: 1 });
      const { id } = await buyer.order([{ product_id, quantity: 1 }]);
      await own.sql('UPDATE orders SET status = $2 WHERE id = $1', [id, status]);
    }
    await other.app
      .get(DatabaseService)
      .transaction((tx) =>
        other.app.get(Jobs).send('events.idle', { event_ids: [] }, { delaySeconds: 3_600 }, tx),
      );
    await own.sql(
      `UPDATE pgboss.job SET created_on = now() - interval '90 seconds' WHERE name = 'events.idle'`,
    );

    const door = other.app.get(DatabaseService);
    const read = door.read.bind(door);
    door.read = async (statement, values) => {
      asked.push({ text: statement.text, values });
      return read(statement, values);
    };
    const told = await scrape(other);
    expect(told.figure('products_low_stock')).toBe(1);
    expect(told.figure('products_out_of_stock')).toBe(5 + 3);
    expect(told.figure('stock_units')).toBe(4);
    expect(told.figure('stock_value')).toBe(2 * 10 + 2 * 20);
    for (const status of ['pending', 'paid', 'shipped'])
      expect(told.figure('orders_open', { status })).toBe(1);
    expect(told.figure('orders_open')).toBe(3);
    expect(told.figure('event_consumer_lag_seconds', { consumer: 'idle' })).toBeGreaterThanOrEqual(90);
    expect(told.figure('event_consumer_lag_seconds', { consumer: 'stock-watch' })).toBe(0);
  });

  it('read no table whole that grows for ever', async () => {
    expect(asked.length).toBeGreaterThanOrEqual(7);
    const [order] = await own.sql('SELECT user_id FROM orders LIMIT 1');
    await own.sql(
      `INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor, total_price_minor)
       SELECT uuidv7(), $1, 'delivered', 'paid', 'card', 'USD', 1, 1 FROM generate_series(1, 20000)`,
      [order?.user_id],
    );
    await own.sql(
      `INSERT INTO stock_movements (product_id, kind, delta, stock_after) SELECT 1, 'adjustment', 0, 0 FROM generate_series(1, 20000)`,
    );
    await own.sql(
      `INSERT INTO events (id, type, data) SELECT uuidv7(), 'order.paid', '{}' FROM generate_series(1, 20000)`,
    );
    await own.sql('ANALYZE orders, stock_movements, events');
    for (const { text, values } of asked) {
      const plan = (await own.sql<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values))
        .map((row) => row['QUERY PLAN'])
        .join('\n');
      expect(plan).not.toMatch(/Seq Scan on (orders|stock_movements|events)\b/);
      if (text.includes('FROM orders WHERE')) expect(plan.match(/using orders_open on/g)).toHaveLength(3);
    }
  });
});
