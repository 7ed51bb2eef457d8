import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { RelayService } from '../../src/event/relay.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Metrics } from '../../src/platform/observability/metrics.service.js';
import { givenHeldProducts, meeting, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenAdmin, givenApiKey } from '../support/given.js';
import {
  call,
  type GivenSandbox,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
} from '../support/given-shop.js';
import { Scrape, scrape } from '../support/scrape.js';

const SECRET = 'only-for-tests-and-never-to-be-told-0123456789';

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  app = await bootApp(database, { ...sandbox.settings, JWT_SECRET: SECRET, PAYMENT_TIMEOUT_MS: '500' });
});

afterAll(async () => {
  await app.close();
  await database.drop();
  await sandbox.close();
});

/** Another application in this process, for as long as the test takes. */
async function beside(
  test: (app: TestApp, own: TestDatabase) => Promise<void>,
  settings: Record<string, string> = {},
  arrange: Parameters<typeof bootApp>[2] = () => undefined,
): Promise<void> {
  const own = await cloneDatabase();
  const other = await bootApp(own, settings, arrange);
  try {
    await test(other, own);
  } finally {
    await other.close();
    await own.drop();
  }
}

describe('a scrape', () => {
  it('is for everybody, outside of the base path, in the text format', async () => {
    const answer = await fetch(`${app.url}/metrics`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect((await fetch(`${app.url}/api/v1/metrics`)).status).toBe(404);
    const { paths } = (await (await fetch(`${app.url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(paths).filter((path) => path.includes('metrics'))).toEqual([]);
  });

  it('says of each figure what it is, under our own name', async () => {
    const { text } = await scrape(app);
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(samples.filter((line) => !/^holdfast_[a-z0-9_]+(\{.*\})? [-+0-9.eInfNa]+$/.test(line))).toEqual(
      [],
    );
    const named = (what: string) =>
      [...text.matchAll(new RegExp(`^# ${what} (\\w+) .`, 'gm'))].map(([, name]) => name);
    expect(named('HELP')).toEqual(named('TYPE'));
    expect(new Set(named('HELP')).size).toBe(named('HELP').length);
  });

  it('tells what docs/metrics.md says, and nothing else', async () => {
    const page = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/`(holdfast_\w+)(?:\{([\w,]+)\})?`/g)].map(([, name]) => name);
    const { text } = await scrape(app);
    const told = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name);
    expect(told.filter((name) => !name!.startsWith('holdfast_test_')).sort()).toEqual(documented.sort());
  });

  it('tells no secret and names nobody', async () => {
    const shopper = await givenShopper(app);
    await shopper.order([{ product_id: 2, quantity: 1 }]);
    const key = await givenApiKey(app, 'inventory:read');
    await fetch(`${app.url}/api/v1/inventory/summary`, { headers: key.headers });
    const { text } = await scrape(app);
    for (const secret of [
      SECRET,
      app.config.env.DATABASE_URL,
      shopper.user.token,
      key.key,
      shopper.user.user.email,
    ])
      expect(text).not.toContain(secret);
    expect(text).not.toMatch(/@|password|Bearer|[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('tells of one application, though another runs in the same process', async () => {
    await beside(async (other) => {
      await fetch(`${other.url}/health`);
      expect((await scrape(other)).figure('http_request_duration_seconds_count', { route: '/health' })).toBe(
        1,
      );
      expect((await scrape(app)).figure('http_request_duration_seconds_count', { route: '/health' })).toBe(
        undefined,
      );
    });
  });
});

describe('the process', () => {
  it('is told as it is', async () => {
    const told = await scrape(app);
    expect(told.figure('process_resident_memory_bytes')).toBeGreaterThan(50_000_000);
    expect(told.figure('process_cpu_seconds_total')).toBeGreaterThan(0.1);
    expect(told.figure('process_open_fds')).toBeGreaterThan(5);
    expect(told.figure('nodejs_heap_size_used_bytes')).toBeGreaterThan(10_000_000);
    expect(Math.abs(told.figure('process_start_time_seconds')! - Date.now() / 1_000)).toBeLessThan(3_600);
    expect(told.figure('nodejs_version_info', { version: process.version })).toBe(1);
  });

  it('shows how long it was kept from its event loop', async () => {
    await scrape(app);
    // The monitor has to have ticked before, or it has nothing to be late for.
    await eventually(async () => (await scrape(app)).figure('nodejs_eventloop_lag_max_seconds'));
    const lag = await eventually(async () => {
      // Each time anew: a look that comes before the late tick is noted resets the monitor, and the tick is lost.
      const end = performance.now() + 200;
      while (performance.now() < end);
      const seen = (await scrape(app)).figure('nodejs_eventloop_lag_max_seconds');
      return seen !== undefined && seen > 0.1 ? seen : null;
    });
    expect(lag).toBeLessThan(5);
  });

  it('is not watched any more when the application has stopped', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const own = await cloneDatabase();
    const other = await bootApp(own);
    const metrics = other.app.get(Metrics);
    const collections = async () =>
      new Scrape(await metrics.text()).figure('nodejs_gc_duration_seconds_count', { kind: 'major' }) ?? 0;
    const before = await collections();
    collect();
    await eventually(async () => (await collections()) > before);

    await other.close();
    const atTheEnd = await collections();
    const stillWatched = await scrapeOfCollections(app);
    collect();
    await eventually(async () => (await scrapeOfCollections(app)) > stillWatched);
    await nextTurn();
    expect(await collections()).toBe(atTheEnd);
    await own.drop();
  });
});

const scrapeOfCollections = async (of: TestApp) =>
  (await scrape(of)).figure('nodejs_gc_duration_seconds_count', { kind: 'major' }) ?? 0;

describe('requests', () => {
  const COUNT = 'http_request_duration_seconds_count';
  const countOf = async (labels: Record<string, string>) => (await scrape(app)).figure(COUNT, labels) ?? 0;

  it('are counted by the template of their route, and by the class of their answer', async () => {
    for (const id of [1, 2, 314_159]) await fetch(`${app.url}/api/v1/products/${id}?colour=red`);
    const told = await scrape(app);
    const route = '/api/v1/products/:id';
    expect(told.figure(COUNT, { method: 'GET', route, status: '2xx' })).toBe(2);
    expect(told.figure(COUNT, { method: 'GET', route, status: '4xx' })).toBe(1);
    expect(told.figure('http_request_duration_seconds_sum', { route })).toBeGreaterThan(0);
    expect(told.text).not.toContain('314159');
    expect(told.text).not.toContain('colour');
  });

  it('that lead nowhere are one line, whatever their path and method', async () => {
    const before = await countOf({ route: 'unknown', status: '4xx' });
    await fetch(`${app.url}/wp-admin/setup.php`);
    await fetch(`${app.url}/api/v1/no-such/thing`, { method: 'DELETE' });
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname).resume();
    socket.write('PURGE /cache HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n');
    await once(socket, 'close');
    const told = await scrape(app);
    expect(told.figure(COUNT, { route: 'unknown', status: '4xx' })).toBe(before + 3);
    expect(told.figure(COUNT, { route: 'unknown', method: 'other' })).toBe(1);
    expect(told.text).not.toMatch(/wp-admin|no-such|PURGE|\/cache/);
  });

  it('are in flight until they are answered, and aborted when nobody waits for that', async () => {
    const shopper = await givenShopper(app);
    const id = await givenProduct(database);
    const route = '/api/v1/orders';
    const inFlight = async () =>
      (await scrape(app)).figure('http_requests_in_flight', { method: 'POST', route });
    const before = await countOf({ route, status: '2xx' });
    const held = await givenHeldProducts(database, id);
    const answered = shopper.place([{ product_id: id, quantity: 1 }]);
    await untilWaiting(database);
    const hangsUp = new AbortController();
    const given = fetch(`${app.url}${route}`, {
      method: 'POST',
      headers: { ...shopper.user.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ product_id: id, quantity: 1 }] }),
      signal: hangsUp.signal,
    });
    await eventually(async () => (await inFlight()) === 2);
    hangsUp.abort();
    await expect(given).rejects.toThrow('aborted');
    await eventually(async () => (await inFlight()) === 1);
    expect(await countOf({ route, status: 'aborted' })).toBe(1);
    await held.release();
    expect((await answered).status).toBe(201);
    expect(await inFlight()).toBe(0);
    expect(await countOf({ route, status: '2xx' })).toBe(before + 1);
  });
});

describe('the pool of connections', () => {
  it('is told by how many there are, are at work and are waited for', async () => {
    await beside(
      async (other) => {
        const door = other.app.get(DatabaseService);
        const allAreIn = meeting(3);
        const atWork = times(2, () => door.transaction(() => allAreIn()));
        await eventually(async () => (await scrape(other)).figure('database_pool_in_use') === 2);
        const waits = door.transaction(async () => undefined);
        const told = await scrape(other);
        await allAreIn();
        await Promise.all([atWork, waits]);
        expect(
          ['max', 'size', 'in_use', 'waiting'].map((what) => told.figure(`database_pool_${what}`)),
        ).toEqual([2, 2, 2, expect.any(Number)]);
        expect(told.figure('database_pool_waiting')).toBeGreaterThan(0);
        expect((await scrape(other)).figure('database_pool_waiting')).toBe(0);
      },
      { DATABASE_POOL_MAX: '2', RESERVATION_SWEEP_SECONDS: '3600', PAYMENT_RECOVERY_SECONDS: '3600' },
    );
  });
});

describe('figures from the tables', () => {
  it('are asked for once, however many scrape', async () => {
    let asked = 0;
    app.app.get(Metrics).gaugesFromTables({ test_asked: 'How often it was asked.' }, async () => {
      asked += 1;
      return { test_asked: asked };
    });
    const scrapes = await times(20, () => scrape(app));
    expect(scrapes.map((told) => told.figure('test_asked'))).toEqual(Array(20).fill(1));
    expect(asked).toBe(1);
  });

  it('that cannot be had are left out, and the scrape is answered all the same', async () => {
    await beside(async (other) => {
      other.app.get(Metrics).gaugesFromTables({ test_failing: 'x', test_failing_too: 'x' }, async () => {
        throw new Error('no such table');
      });
      const told = await scrape(other);
      expect(told.figure('test_failing')).toBe(undefined);
      expect(told.figure('test_failing_too')).toBe(undefined);
      expect(told.figure('process_cpu_seconds_total')).toBeGreaterThan(0);
      expect((await scrape(other)).figure('metrics_failures_total')).toBe(1);
    });
  });

  it('that nobody answers are not waited for, and told once they are there', async () => {
    let answer: (figures: { test_slow: number }) => void = () => undefined;
    await beside(async (other) => {
      other.app.get(Metrics).gaugesFromTables(
        { test_slow: 'x' },
        () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      );
      expect((await scrape(other)).figure('test_slow')).toBe(undefined);
      expect((await scrape(other)).figure('process_cpu_seconds_total')).toBeGreaterThan(0);
      answer({ test_slow: 7 });
      await eventually(async () => (await scrape(other)).figure('test_slow') === 7);
    });
  });

  it('are left out while the database is away', async () => {
    await beside(async (other) => {
      const door = other.app.get(DatabaseService);
      door.readFirst = async () => {
        throw new Error('connection refused');
      };
      const told = await scrape(other);
      expect(told.figure('outbox_backlog')).toBe(undefined);
      expect(told.figure('reservations_active')).toBe(undefined);
      expect((await scrape(other)).figure('metrics_failures_total')).toBeGreaterThanOrEqual(4);
    });
  });
});

describe('the shop', () => {
  it('tells how it stands: events, dead letters, holds and payments', async () => {
    await beside(
      async (other, own) => {
        const shopper = await givenShopper(other);
        const orders = [];
        for (let n = 0; n < 3; n++) orders.push(await shopper.order([{ product_id: 1, quantity: 1 }]));
        await givenHoldIsOver(own, orders[0].id);
        await own.sql(`UPDATE events SET created_at = now() - interval '90 seconds'`);
        await own.sql(
          `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts)
           SELECT uuidv7(), uuidv7(), id, 'webhooks', 'x', 8 FROM events LIMIT 2`,
        );
        await own.sql(
          `UPDATE dead_letters SET resolution = 'discarded', resolved_at = now()
           WHERE id = (SELECT id FROM dead_letters LIMIT 1)`,
        );
        await own.sql(
          `INSERT INTO payments (id, order_id, attempt, status, amount_minor, currency, provider, idempotency_key, request,
                                 next_check_at, created_at)
           SELECT uuidv7(), o.id, 1, s.status, 1, 'USD', 'sandbox', s.status, '{}', now(), now() - interval '10 minutes'
           FROM unnest($1::uuid[], ARRAY['unknown', 'pending']) AS s(order_id, status) JOIN orders o ON o.id = s.order_id`,
          [[orders[1].id, orders[2].id]],
        );
        const told = await scrape(other);
        // Of each order: that it was placed, and that the stock has changed.
        expect(told.figure('outbox_backlog')).toBe(6);
        expect(told.figure('outbox_lag_seconds')).toBeGreaterThanOrEqual(90);
        expect(told.figure('outbox_lag_seconds')).toBeLessThan(150);
        expect(told.figure('dead_letters')).toBe(1);
        expect(told.figure('reservations_active')).toBe(3);
        expect(told.figure('reservations_overdue')).toBe(1);
        expect(told.figure('payments_unknown')).toBe(1);
        expect(told.figure('payments_unknown_oldest_seconds')).toBeGreaterThanOrEqual(600);
      },
      { RESERVATION_SWEEP_SECONDS: '3600', PAYMENT_RECOVERY_SECONDS: '3600' },
      (nest) => {
        nest.get(RelayService).start = () => undefined;
      },
    );
  });

  it('with nothing to do says so', async () => {
    await beside(async (other) => {
      const told = await scrape(other);
      for (const name of ['outbox_backlog', 'outbox_lag_seconds', 'dead_letters', 'reservations_active'])
        expect([name, told.figure(name)]).toEqual([name, 0]);
      for (const name of ['reservations_overdue', 'payments_unknown', 'payments_unknown_oldest_seconds'])
        expect([name, told.figure(name)]).toEqual([name, 0]);
    });
  });

  it('counts what came of placements, how full their batches were and how long they waited', async () => {
    await beside(async (other, own) => {
      const shopper = await givenShopper(other);
      const id = await givenProduct(own, { stock: 6 });
      const held = await givenHeldProducts(own, id);
      const first = shopper.place([{ product_id: id, quantity: 1 }]);
      await untilWaiting(own);
      const rest = times(7, () => shopper.place([{ product_id: id, quantity: 1 }]));
      const inFlight = async () =>
        (await scrape(other)).figure('http_requests_in_flight', { method: 'POST' });
      await eventually(async () => (await inFlight()) === 8);
      await held.release();
      await Promise.all([first, rest]);
      const told = await scrape(other);
      expect(told.figure('placements_total', { outcome: 'placed' })).toBe(6);
      expect(told.figure('placements_total', { outcome: 'insufficient_stock' })).toBe(2);
      expect(told.figure('placement_batch_size_sum')).toBe(8);
      expect(told.figure('placement_batch_size_count')).toBeLessThan(8);
      expect(told.figure('placement_wait_seconds_count')).toBe(8);
      expect(told.figure('placement_wait_seconds_sum')).toBeGreaterThan(0);
    });
  });

  it('counts operations on the stock by what came of them', async () => {
    const headers = { ...(await givenAdmin(app, database)).headers, 'content-type': 'application/json' };
    const post = (path: string, body: object, key: string = randomUUID()) =>
      fetch(`${app.url}/api/v1/inventory/${path}`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': key },
        body: JSON.stringify(body),
      });
    const product_id = await givenProduct(database, { stock: 5 });
    const order_id = randomUUID();
    const take = { order_id, items: [{ product_id, quantity: 2 }] };
    await post('decrement', take, 'decrement-1');
    await post('decrement', take, 'decrement-1');
    await post('decrement', { order_id: 'other', items: [{ product_id, quantity: 9 }] });
    await post('rollback', { order_id });
    await post('movements', { product_id, type: 'in', quantity: 1 });
    await post('reservations', { order_id: 'held', items: [{ product_id, quantity: 1 }] });
    const told = await scrape(app);
    const outcome = (operation: string, of: string) =>
      told.figure('stock_operations_total', { operation, outcome: of });
    expect(outcome('decrement', 'done')).toBe(1);
    expect(outcome('decrement', 'repeated')).toBe(1);
    expect(outcome('decrement', 'insufficient_stock')).toBe(1);
    expect(outcome('rollback', 'done')).toBe(1);
    expect(outcome('enter', 'done')).toBe(1);
    expect(outcome('reserve', 'done')).toBe(1);
  });

  it('counts idempotency keys: new, replayed, in progress, reused', async () => {
    await beside(async (other, own) => {
      const shopper = await givenShopper(other);
      const id = await givenProduct(own);
      const held = await givenHeldProducts(own, id);
      const first = shopper.place([{ product_id: id, quantity: 1 }], {}, 'key');
      await untilWaiting(own);
      await times(2, () => shopper.place([{ product_id: id, quantity: 1 }], {}, 'key'));
      await held.release();
      await first;
      await shopper.place([{ product_id: id, quantity: 1 }], {}, 'key');
      await shopper.place([{ product_id: id, quantity: 2 }], {}, 'key');
      await shopper.place([{ product_id: id, quantity: 1 }]);
      await call(other, null, 'POST', '/auth/guest', { key: 'not-looked-at' });
      const told = await scrape(other);
      const outcome = (of: string) => told.figure('idempotency_keys_total', { outcome: of }) ?? 0;
      expect(outcome('new')).toBe(1);
      expect(outcome('reused')).toBe(1);
      expect(outcome('replayed')).toBe(1);
      expect(outcome('in_progress')).toBe(2);
      expect(told.figure('placements_total', { outcome: 'idempotency_in_progress' })).toBe(2);
    });
  });

  it('counts and times the calls to the payment provider by what came of them', async () => {
    const shopper = await givenShopper(app);
    const pay = async (payment_token: string) => {
      const { id } = await shopper.order([{ product_id: 3, quantity: 1 }]);
      return shopper.pay(id, { payment_token });
    };
    for (const token of ['tok_success', 'tok_success', 'tok_declined', 'tok_timeout']) await pay(token);
    const told = await scrape(app);
    const calls = (outcome: string) =>
      told.figure('payment_call_duration_seconds_count', { provider: 'sandbox', call: 'charge', outcome });
    expect(calls('succeeded')).toBe(2);
    expect(calls('failed')).toBe(1);
    expect(calls('unknown')).toBe(1);
    expect(
      told.figure('payment_call_duration_seconds_sum', { call: 'charge', outcome: 'unknown' }),
    ).toBeGreaterThanOrEqual(0.4);
  });
});
