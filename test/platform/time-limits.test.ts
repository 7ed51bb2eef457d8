import { randomUUID } from 'node:crypto';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Statement } from '../../src/platform/database/statement.js';
import { RequestDeadline, runWithin, SharedDeadline } from '../../src/platform/deadline.js';
import { RequestTimedOut } from '../../src/platform/errors.js';
import { givenHeldLock, givenHeldProducts, type HeldLock } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type Asked, fine, GivenProvider } from '../support/given-provider.js';
import {
  type Answer,
  call,
  expectProblem,
  givenAdminShopper,
  givenCart,
  givenProduct,
  givenShopper,
  movementsOf,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { scrape } from '../support/scrape.js';

const READ_MS = 800;
const WRITE_MS = 1_200;
/** What a slow machine may add, still far below every other limit. */
const SLACK_MS = 4_000;

let provider: GivenProvider;
let database: TestDatabase;
let app: TestApp;
let admin: Shopper;
const locks = new Set<HeldLock>();
const guardsOff: (() => void)[] = [];

beforeAll(async () => {
  provider = await GivenProvider.open();
  database = await cloneDatabase();
  app = await bootApp(database, {
    ...provider.settings,
    READ_TIMEOUT_MS: String(READ_MS),
    REQUEST_TIMEOUT_MS: String(WRITE_MS),
    // So that it is the request's own time that ends what waits.
    DATABASE_LOCK_TIMEOUT_MS: '20000',
    PAYMENT_RECOVERY_SECONDS: '3600',
  });
  admin = await givenAdminShopper(app, database);
});
afterEach(async () => {
  for (const putBack of guardsOff.splice(0)) putBack();
  for (const lock of locks) await release(lock);
});
afterAll(async () => {
  await app.close();
  await provider.close();
  await expectPromisesKept(database);
  await database.drop();
});

/** Another deadline than ours, until the end of the test. */
function guardOff(member: keyof RequestDeadline, otherwise: PropertyDescriptor): void {
  const { prototype } = RequestDeadline;
  const guard = Object.getOwnPropertyDescriptor(prototype, member) as PropertyDescriptor;
  Object.defineProperty(prototype, member, { ...otherwise, configurable: true });
  guardsOff.push(() => Object.defineProperty(prototype, member, guard));
}

async function held(lock: Promise<HeldLock>): Promise<HeldLock> {
  locks.add(await lock);
  return lock;
}

async function release(lock: HeldLock): Promise<void> {
  locks.delete(lock);
  await lock.release();
}

async function timed(answer: Promise<Answer>): Promise<{ answer: Answer; tookMs: number }> {
  const start = performance.now();
  return { answer: await answer, tookMs: performance.now() - start };
}

const receive = (product_id: number, key?: string): Promise<Answer> =>
  admin.send('POST', '/inventory/movements', { body: { product_id, type: 'in', quantity: 5 }, key });

/** Until no transaction of the service is open any more, besides those that stand still for the test. */
const untilQuiet = () =>
  eventually(async () => {
    const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast' AND state <> 'idle'`;
    return (await database.sql(text)).length === 0;
  });

describe('a write whose time is over', () => {
  it('is 504 in time, has done nothing, and leaves its key free', async () => {
    const lamp = await givenProduct(database, { stock: 1 });
    const lock = await held(givenHeldProducts(database, lamp));
    const key = randomUUID();
    const { answer, tookMs } = await timed(receive(lamp, key));
    expectProblem(answer, 504, 'timeout', 'the request took too long; nothing was done');
    expect(tookMs).toBeGreaterThan(WRITE_MS - 100);
    expect(tookMs).toBeLessThan(WRITE_MS + SLACK_MS);

    await release(lock);
    await untilQuiet();
    expect([await stockOf(database, lamp), await movementsOf(database, lamp)]).toEqual([1, []]);
    const again = await eventually(async () => {
      const repeat = await receive(lamp, key);
      return repeat.status === 201 ? repeat : null;
    });
    expect(again.headers['idempotent-replayed']).toBeUndefined();
    expect(await stockOf(database, lamp)).toBe(6);
  });

  it('does not wait on in the database', async () => {
    const lamp = await givenProduct(database);
    await held(givenHeldProducts(database, lamp));
    expect((await receive(lamp)).status).toBe(504);
    await untilQuiet();
  });

  it('(control) is done all the same when nobody looks at the time before COMMIT', async () => {
    guardOff('keep', { value: () => undefined });
    guardOff('isOver', { get: () => false });
    guardOff('leftMs', { get: () => Number.POSITIVE_INFINITY });
    const lamp = await givenProduct(database, { stock: 1 });
    const lock = await held(givenHeldProducts(database, lamp));
    expect((await receive(lamp)).status).toBe(504);
    await release(lock);
    await eventually(async () => (await stockOf(database, lamp)) === 6);
  });

  it('is counted, by its route', async () => {
    const lamp = await givenProduct(database);
    const labels = { method: 'POST', route: '/api/v1/inventory/movements' };
    const counted = async () => (await scrape(app)).figure('request_timeouts_total', labels) ?? 0;
    const before = await counted();
    await held(givenHeldProducts(database, lamp));
    await receive(lamp);
    await untilQuiet();
    expect(await counted()).toBe(before + 1);
  });
});

describe('a read whose time is over', () => {
  it('is 504 in its own, shorter time', async () => {
    await held(givenHeldLock(database, 'LOCK TABLE products IN ACCESS EXCLUSIVE MODE'));
    const { answer, tookMs } = await timed(call(app, null, 'GET', '/products/1'));
    expectProblem(answer, 504, 'timeout');
    expect(tookMs).toBeGreaterThan(READ_MS - 100);
    expect(tookMs).toBeLessThan(READ_MS + SLACK_MS);
  });

  it('is answered after all where the route takes its time', async () => {
    const lock = await held(givenHeldLock(database, 'LOCK TABLE products IN ACCESS EXCLUSIVE MODE'));
    const audit = admin.send('GET', '/inventory/audit');
    const late = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND now() - query_start > $1 * interval '1 millisecond'`;
    await eventually(async () => (await database.sql(late, [READ_MS * 2])).length > 0);
    await release(lock);
    expect((await audit).status).toBe(200);
  });
});

describe('an order whose time is over', () => {
  it('while its goods are held by somebody is 504, and nothing is sold', async () => {
    const lamp = await givenProduct(database, { stock: 3 });
    const ada = await givenShopper(app);
    const lock = await held(givenHeldProducts(database, lamp));
    const { answer, tookMs } = await timed(ada.place([{ product_id: lamp, quantity: 1 }], {}, 'first'));
    expectProblem(answer, 504, 'timeout');
    expect(tookMs).toBeLessThan(WRITE_MS + SLACK_MS);
    await release(lock);
    await untilQuiet();
    expect(await stockOf(database, lamp)).toBe(3);
    expect((await ada.list()).body.orders).toEqual([]);
    await eventually(async () => {
      const { status } = await ada.place([{ product_id: lamp, quantity: 1 }], {}, 'first');
      return status === 201;
    });
    expect(await stockOf(database, lamp)).toBe(2);
  });
});

describe('a checkout whose time is over while the provider is asked', () => {
  it('is answered with what has become of it: its order is placed by then', async () => {
    const lamp = await givenProduct(database, { stock: 3 });
    const ada = await givenCart(app, { product_id: lamp, quantity: 1 });
    let answerNow = () => {};
    const asked = new Promise<void>((resolve) => {
      provider.mood = async (asked: Asked, forward, response) => {
        resolve();
        await new Promise<void>((go) => {
          answerNow = go;
        });
        await fine(asked, forward, response);
      };
    });
    const start = performance.now();
    const checkout = ada.checkout();
    await asked;
    await eventually(() => performance.now() - start > WRITE_MS * 1.5);
    answerNow();
    const { status, body } = await checkout;
    provider.mood = fine;
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(await stockOf(database, lamp)).toBe(2);
  });
});

describe('the transaction door', () => {
  const note = new Statement<{ id: number }>('', `INSERT INTO storefronts (name) VALUES ($1) RETURNING id`);
  const passed = async (deadline: RequestDeadline) => eventually(() => deadline.hasPassed);
  const noted = async (name: string) =>
    (await database.sql('SELECT FROM storefronts WHERE name = $1', [name])).length;

  /** Writes, and commits only when the time is over. */
  const writeTooLate = (name: string, deadline: RequestDeadline): Promise<void> =>
    runWithin(deadline, () =>
      app.app.get(DatabaseService).transaction(async (tx) => {
        await note.run([name], tx);
        await passed(deadline);
      }),
    );

  it('does not commit what is ready too late', async () => {
    await expect(writeTooLate('late', new RequestDeadline(200))).rejects.toThrow(RequestTimedOut);
    expect(await noted('late')).toBe(0);
  });

  it('(control) commits it when it does not look', async () => {
    guardOff('keep', { value: () => undefined });
    await writeTooLate('unseen', new RequestDeadline(200));
    expect(await noted('unseen')).toBe(1);
  });

  it('begins nothing when the time is over before there is a connection', async () => {
    let isBegun = false;
    const work = async () => {
      isBegun = true;
    };
    const late = runWithin(new RequestDeadline(0), () => app.app.get(DatabaseService).transaction(work));
    await expect(late).rejects.toThrow(RequestTimedOut);
    expect(isBegun).toBe(false);
  });

  it('finishes what somebody has seen the beginning of', async () => {
    const deadline = new RequestDeadline(200);
    const work = async () => {
      const service = app.app.get(DatabaseService);
      await service.transaction((tx) => note.run(['begun'], tx));
      await passed(deadline);
      await service.transaction((tx) => note.run(['done'], tx));
    };
    await runWithin(deadline, work);
    expect(await noted('done')).toBe(1);
  });
});

describe('a deadline', () => {
  it('ends one way or the other', () => {
    const kept = new RequestDeadline(10_000);
    kept.keep();
    expect([kept.expire(), kept.isOver, kept.leftMs]).toEqual([false, false, Number.POSITIVE_INFINITY]);
    const over = new RequestDeadline(10_000);
    expect(over.expire()).toBe(true);
    expect(() => over.keep()).toThrow(RequestTimedOut);
    expect(over.isOver).toBe(true);
  });

  it('of several is that of the one that has most time, and is enough to look what has become of them', () => {
    expect(new SharedDeadline([10, 60_000]).leftMs).toBeGreaterThan(50_000);
    expect(new SharedDeadline([-10]).leftMs).toBeGreaterThan(0);
    expect(new SharedDeadline([5, Number.POSITIVE_INFINITY]).leftMs).toBe(Number.POSITIVE_INFINITY);
  });
});
