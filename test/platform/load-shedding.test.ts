import { setImmediate as turn } from 'node:timers/promises';
import { LoadShedding } from '../../src/platform/http/load-shedding.js';
import { givenHeldLock, givenHeldProducts, type HeldLock, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import {
  type Answer,
  call,
  countOf,
  expectProblem,
  givenProduct,
  givenShopper,
} from '../support/given-shop.js';
import { scrape } from '../support/scrape.js';

/** Probes answer within this, whatever goes on: the readiness gives the database two seconds. */
const PROBE_LIMIT_MS = 10_000;

let database: TestDatabase;
const apps: TestApp[] = [];
const locks = new Set<HeldLock>();

beforeAll(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  for (const lock of locks) await release(lock);
  for (const app of apps.splice(0)) await app.close();
});
afterAll(() => database.drop());

async function givenApp(settings: Record<string, string>): Promise<TestApp> {
  const app = await bootApp(database, settings);
  apps.push(app);
  return app;
}

async function held(lock: Promise<HeldLock>): Promise<HeldLock> {
  locks.add(await lock);
  return lock;
}

async function release(lock: HeldLock): Promise<void> {
  locks.delete(lock);
  await lock.release();
}

const read = (app: TestApp): Promise<Answer> => call(app, null, 'GET', '/products/1');
/** Writes, and asks nobody who calls. */
const write = (app: TestApp): Promise<Answer> => call(app, null, 'POST', '/auth/guest');

function expectShed(answer: Answer): void {
  expectProblem(answer, 503, 'overloaded', 'the service has too much to do; try again');
  expect(answer.headers['retry-after']).toBe('1');
}

const shed = async (app: TestApp, reason: string) =>
  (await scrape(app)).figure('requests_shed_total', { reason }) ?? 0;

/** What the probes answer, and that they do so in time. */
async function probe(app: TestApp): Promise<{ live: number; ready: any }> {
  const start = performance.now();
  const live = await fetch(`${app.url}/health`);
  const ready = await fetch(`${app.url}/health/ready`);
  const answered = { live: live.status, ready: { http: ready.status, ...((await ready.json()) as object) } };
  expect(performance.now() - start).toBeLessThan(PROBE_LIMIT_MS);
  return answered;
}

describe('while too many wait for a connection to the database', () => {
  it('reads are refused at once, then writes, and probes are answered; all who had come are served', async () => {
    const app = await givenApp({
      DATABASE_POOL_MAX: '2',
      DATABASE_LOCK_TIMEOUT_MS: '20000',
      SHED_POOL_WAITING: '20',
    });
    const { pool } = app.app.get(LoadShedding) as unknown as { pool: { waiting: number } };
    const lock = await held(givenHeldLock(database, 'LOCK TABLE users IN EXCLUSIVE MODE'));
    const working = times(2, () => write(app));
    await untilWaiting(database, 2);
    // Background work waits among them: not as much as lies between the two bounds.
    const waiting = times(21, () => write(app));
    await eventually(() => pool.waiting > 20);
    expectShed(await read(app));
    const more = times(20, () => write(app));
    await eventually(() => pool.waiting > 40);
    expectShed(await write(app));

    const { live, ready } = await probe(app);
    expect(live).toBe(200);
    expect(ready).toMatchObject({ http: 200, status: 'degraded', checks: { database: 'degraded' } });
    await release(lock);
    const first = [...(await working), ...(await waiting)];
    expect(countOf(first, 201)).toBe(23);
    const last = await more;
    expect(countOf(last, 201) + countOf(last, 503)).toBe(20);
    expect(await shed(app, 'database_pool')).toBe(2 + countOf(last, 503));
    await eventually(async () => (await read(app)).status === 200);
    expect((await probe(app)).ready.status).toBe('up');
  });
});

describe('while the event loop is late', () => {
  /** Keeps the only thread busy, but for a look around after each spell. */
  function givenBusyLoop(spellMs: number): () => Promise<void> {
    let isOver = false;
    const working = (async () => {
      while (!isOver) {
        const end = performance.now() + spellMs;
        while (performance.now() < end);
        await turn();
      }
    })();
    return async () => {
      isOver = true;
      await working;
    };
  }

  it('the API is refused at once, and probes are answered; it is over when the loop has caught up', async () => {
    const app = await givenApp({ SHED_EVENT_LOOP_LAG_MS: '5' });
    const rest = givenBusyLoop(150);
    // So late that anything is refused.
    await eventually(async () => (await read(app)).status === 503, { within: 20_000 });
    expectShed(await read(app));
    expectShed(await write(app));
    expect((await probe(app)).live).toBe(200);
    expect(await shed(app, 'event_loop')).toBeGreaterThanOrEqual(3);
    await rest();
    await eventually(async () => (await read(app)).status === 200);
  });

  it('once, for a moment, nobody is refused', async () => {
    const app = await givenApp({ SHED_EVENT_LOOP_LAG_MS: '400' });
    const end = performance.now() + 1_000;
    while (performance.now() < end);
    const shedding = app.app.get(LoadShedding);
    const looks = shedding as unknown as { latenessMs: number[] };
    await eventually(() => Math.max(...looks.latenessMs) > 400);
    expect(shedding.reasonToRefuse(true)).toBeNull();
  });
});

describe('when the line of orders is full', () => {
  it('the next is refused at once, and counted', async () => {
    const app = await givenApp({ PLACEMENT_QUEUE_MAX: '1', DATABASE_LOCK_TIMEOUT_MS: '20000' });
    const lamp = await givenProduct(database, { stock: 10 });
    const ada = await givenShopper(app);
    const place = () => ada.place([{ product_id: lamp, quantity: 1 }]);
    const lock = await held(givenHeldProducts(database, lamp));
    const first = place();
    await untilWaiting(database);
    const others = [place(), place(), place(), place()];
    const refused = await Promise.race(others);
    expectProblem(refused, 503, 'overloaded', 'too many orders are waiting; try again');
    expect(refused.headers['retry-after']).toBe('1');
    await eventually(async () => (await shed(app, 'placement_queue')) === 3);
    await release(lock);
    const answers = await Promise.all([first, ...others]);
    expect([countOf(answers, 201), countOf(answers, 503)]).toEqual([2, 3]);
  });
});
