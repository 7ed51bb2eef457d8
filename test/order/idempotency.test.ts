import { PlacementService } from '../../src/order/placement/placement.service.js';
import { isBusy } from '../../src/platform/database/database.errors.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { IdempotencyService } from '../../src/platform/idempotency/idempotency.service.js';
import { givenHeldLock, givenHeldProducts, times, until, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  expectProblem,
  givenProduct,
  givenShopper,
  movementsOf,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

const MALFORMED = 'Idempotency-Key must be 1 to 255 visible ASCII characters';

let database: TestDatabase;
let app: TestApp;
let ada: Shopper;
let product_id: number;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
});
beforeEach(async () => {
  ada = await givenShopper(app);
  product_id = await givenProduct(database);
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await app.close();
  await database.drop();
});

const orderOne = (key?: string, members: object = {}) =>
  ada.place([{ product_id, quantity: 1 }], members, key);
const ordersOf = ({ id }: Shopper) => database.sql('SELECT id FROM orders WHERE user_id = $1', [id]);
const claimsOf = ({ id }: Shopper) =>
  database.sql('SELECT status FROM idempotency_keys WHERE scope LIKE $1', [`${id} %`]);

describe('the same key again', () => {
  it('gives the first answer again and orders nothing', async () => {
    const first = await orderOne('a-key');
    expect(first.status).toBe(201);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    await database.sql('UPDATE products SET price_minor = 99900, active = false WHERE id = $1', [product_id]);
    const again = await orderOne('a-key');
    expect(again.status).toBe(201);
    expect(again.body).toEqual(first.body);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await ordersOf(ada)).toHaveLength(1);
    expect(await movementsOf(database, product_id)).toHaveLength(1);
  });

  it('knows a body by what it says, not by its bytes', async () => {
    const first = await ada.send('POST', '/orders', {
      key: 'a-key',
      body: `{"items":[{"product_id":${product_id},"quantity":2}],"note":"b\\u0065ll"}`,
    });
    const again = await ada.send('POST', '/orders', {
      key: 'a-key',
      body: ` {\n "note" : "bell",\t"items": [ {"quantity":2.0, "product_id": ${product_id}} ] } `,
    });
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
  });

  it('with a different body is 422 and changes nothing', async () => {
    await orderOne('a-key');
    const other = await orderOne('a-key', { note: 'another' });
    expectProblem(
      other,
      422,
      'idempotency_key_reused',
      'this idempotency key was already used with a different body',
    );
    expect(await ordersOf(ada)).toHaveLength(1);
    expect((await orderOne('a-key')).status).toBe(201);
  });

  it('tells lines in another order apart', async () => {
    const other = await givenProduct(database);
    const lines = [
      { product_id, quantity: 1 },
      { product_id: other, quantity: 1 },
    ];
    await ada.place(lines, {}, 'a-key');
    expectProblem(await ada.place(lines.toReversed(), {}, 'a-key'), 422, 'idempotency_key_reused');
  });

  it('of another customer is another key', async () => {
    const bob = await givenShopper(app);
    const [hers, his] = [
      await orderOne('a-key'),
      await bob.place([{ product_id, quantity: 1 }], {}, 'a-key'),
    ];
    expect([hers.status, his.status]).toEqual([201, 201]);
    expect(his.body.id).not.toBe(hers.body.id);
    expect(his.headers['idempotent-replayed']).toBeUndefined();
  });

  it('on another path is another key', async () => {
    const { body } = await orderOne('a-key');
    const second = await ada.order([{ product_id, quantity: 1 }]);
    for (const id of [body.id, second.id]) {
      const answer = await ada.cancel(id, undefined, 'a-key');
      expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([200, undefined]);
    }
  });

  it('is one key for the queries of a path', async () => {
    const first = await orderOne('a-key');
    const again = await ada.send('POST', '/orders?utm=letter', {
      key: 'a-key',
      body: { items: [{ product_id, quantity: 1 }] },
    });
    expect(again.body).toEqual(first.body);
  });
});

describe('without a key', () => {
  it('two equal orders are two orders', async () => {
    await orderOne();
    await orderOne();
    expect(await ordersOf(ada)).toHaveLength(2);
    expect(await claimsOf(ada)).toEqual([]);
  });
});

describe('a key', () => {
  it.each([
    ['nothing', ''],
    ['a space', 'two words'],
    ['256 characters', 'k'.repeat(256)],
    ['a letter beyond ASCII', 'schl\u00fcssel'],
    ['a tab', 'a\tb'],
  ])('of %s is 400', async (_, key) => {
    expectProblem(await orderOne(key), 400, 'validation_failed', MALFORMED);
    expectProblem(await ada.cancel(crypto.randomUUID(), undefined, key), 400, 'validation_failed', MALFORMED);
    expect(await ordersOf(ada)).toEqual([]);
  });

  it('may have 255 characters, and any that can be seen', async () => {
    const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join('');
    for (const key of ['k'.repeat(255), visible, 'x']) {
      const first = await orderOne(key);
      expect([first.status, (await orderOne(key)).body]).toEqual([201, first.body]);
    }
  });
});

describe('an answer that is not 2xx', () => {
  it('is not kept: short of stock now, placed with the same key when there is more', async () => {
    const rare = await givenProduct(database, { stock: 0 });
    const buy = () => ada.place([{ product_id: rare, quantity: 1 }], {}, 'a-key');
    expectProblem(await buy(), 409, 'insufficient_stock');
    expect(await claimsOf(ada)).toEqual([]);
    await database.sql('UPDATE products SET stock = 1, first_count = 1 WHERE id = $1', [rare]);
    const placed = await buy();
    expect([placed.status, placed.headers['idempotent-replayed']]).toEqual([201, undefined]);
    const again = await buy();
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(again.body).toEqual(placed.body);
  });

  it.each<[number, object]>([
    [400, { items: [] }],
    [404, { items: [{ product_id: 2_147_483_647, quantity: 1 }] }],
  ])('is not kept: after a %i the key may come with another body', async (status, body) => {
    expect((await ada.send('POST', '/orders', { body, key: 'a-key' })).status).toBe(status);
    expect((await orderOne('a-key')).status).toBe(201);
  });
});

describe('a call that is still running', () => {
  it('makes its repeat 409 with Retry-After, and free again when it came to nothing', async () => {
    const scope = `${ada.id} POST /api/v1/orders a-key`;
    const lock = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))';
    const running = await givenHeldLock(database, lock, [scope]);
    const repeat = await orderOne('a-key');
    expectProblem(
      repeat,
      409,
      'idempotency_in_progress',
      'a request with this idempotency key is still in progress',
    );
    expect(repeat.headers['retry-after']).toBe('1');
    expect(await ordersOf(ada)).toEqual([]);
    await running.release();
    expect((await orderOne('a-key')).status).toBe(201);
  });

  it('makes its repeat at another instance 409, and gives it the same answer afterwards', async () => {
    const other = await bootApp(database);
    const held = await givenHeldProducts(database, product_id);
    const first = orderOne('a-key');
    await untilWaiting(database);
    const repeat = () => ada.at(other).place([{ product_id, quantity: 1 }], {}, 'a-key');
    expectProblem(await repeat(), 409, 'idempotency_in_progress');
    await held.release();
    const { body } = await first;
    expect(await repeat()).toMatchObject({ status: 201, body });
    await other.close();
  });
});

describe('a repeat while its first call is being placed', () => {
  /** A first call that waits for its goods. */
  async function givenFirst() {
    const held = await givenHeldProducts(database, product_id);
    const first = orderOne('a-key');
    await untilWaiting(database);
    return { held, first };
  }

  it('is 409 at once, with another body 422, and is answered the same when the order is there', async () => {
    const { held, first } = await givenFirst();
    const repeat = await orderOne('a-key');
    expectProblem(repeat, 409, 'idempotency_in_progress');
    expect(repeat.headers['retry-after']).toBe('1');
    expectProblem(await orderOne('a-key', { note: 'another' }), 422, 'idempotency_key_reused');
    await held.release();
    const { status, body, headers } = await first;
    expect([status, headers['idempotent-replayed']]).toEqual([201, undefined]);
    const again = await orderOne('a-key');
    expect([again.status, again.body, again.headers['idempotent-replayed']]).toEqual([201, body, 'true']);
    expect(await ordersOf(ada)).toEqual([{ id: body.id }]);
    expect(await stockOf(database, product_id)).toBe(99);
  });

  it('is told so as well when the first has not come to its turn', async () => {
    const { held, first } = await givenFirst();
    const entered = countEntered();
    const second = orderOne('b-key');
    await entered(1);
    expectProblem(await orderOne('b-key'), 409, 'idempotency_in_progress');
    expectProblem(await orderOne('b-key', { note: 'another' }), 422, 'idempotency_key_reused');
    await held.release();
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
    expect(await ordersOf(ada)).toHaveLength(2);
  });

  it('of a checkout is told the same', async () => {
    await ada.add(product_id);
    const buy = (members: object = {}) => ada.checkout({ payment_method: 'cod', ...members }, 'a-key');
    const held = await givenHeldProducts(database, product_id);
    const first = buy();
    await untilWaiting(database);
    expectProblem(await buy(), 409, 'idempotency_in_progress');
    expectProblem(await buy({ expected_total: 10 }), 422, 'idempotency_key_reused');
    await held.release();
    const { status, body } = await first;
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(await buy()).toMatchObject({ status: 200, body });
    expect(await ordersOf(ada)).toEqual([{ id: body.order_id }]);
  });

  it('may have another body once the first was refused', async () => {
    const rare = await givenProduct(database, { stock: 1 });
    const wish = (quantity: number) => ada.place([{ product_id: rare, quantity }], {}, 'a-key');
    const held = await givenHeldProducts(database, rare);
    const first = wish(2);
    await untilWaiting(database);
    expectProblem(await wish(1), 422, 'idempotency_key_reused');
    await held.release();
    expectProblem(await first, 409, 'insufficient_stock');
    expect((await wish(1)).status).toBe(201);
  });

  it('(control) waits for its turn when nobody knows what is under way', async () => {
    const claims = app.app.get(IdempotencyService);
    const { alone } = claims;
    claims.alone = async (_, work) => work();
    const { held, first } = await givenFirst();
    const entered = countEntered();
    const repeat = orderOne('a-key');
    await entered(1);
    await held.release();
    claims.alone = alone;
    const { status, body, headers } = await repeat;
    expect([status, body, headers['idempotent-replayed']]).toEqual([201, (await first).body, 'true']);
  });
});

describe('repeats of what is done, at once', () => {
  it('are all answered the same: none is told that another is being answered', async () => {
    const { body } = await orderOne('a-key');
    const other = await bootApp(database);
    const answers = await times(20, (index) =>
      ada.at(index % 2 ? app : other).place([{ product_id, quantity: 1 }], {}, 'a-key'),
    );
    for (const answer of answers) expect(answer).toMatchObject({ status: 201, body });
    await other.close();
  });
});

describe('keys that are older than their time', () => {
  const givenOver = (key: string) =>
    database.sql(
      `UPDATE idempotency_keys SET created_at = now() - interval '86401 seconds', finished_at = now() - interval '86401 seconds' WHERE scope LIKE $1`,
      [`${ada.id} % ${key}`],
    );

  it('count no more, also before the job has come: the same body orders anew, another one may, too', async () => {
    const old = await orderOne('old');
    await givenOver('old');
    const anew = await orderOne('old');
    expect([anew.status, anew.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(anew.body.id).not.toBe(old.body.id);
    const again = await orderOne('old');
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([anew.body, 'true']);
    await givenOver('old');
    expect((await orderOne('old', { note: 'another body' })).status).toBe(201);
    expectProblem(await orderOne('old'), 422, 'idempotency_key_reused');
    expect(await ordersOf(ada)).toHaveLength(3);
    expect(await claimsOf(ada)).toEqual([{ status: 201 }]);
  });

  it('count no more for what is not an order either', async () => {
    const add = (quantity: number) =>
      ada.send('POST', '/cart/items', { body: { product_id, quantity }, key: 'old' });
    await add(1);
    await givenOver('old');
    await add(2);
    expect(await ada.cart()).toEqual([{ product_id, quantity: 3 }]);
  });

  it('make a repeat 409 while one is at it anew', async () => {
    await orderOne('old');
    await givenOver('old');
    const held = await givenHeldProducts(database, product_id);
    const first = orderOne('old');
    await untilWaiting(database);
    const other = await bootApp(database);
    for (const at of [app, other]) {
      const repeat = await ada.at(at).place([{ product_id, quantity: 1 }], {}, 'old');
      expectProblem(repeat, 409, 'idempotency_in_progress');
    }
    await held.release();
    expect((await first).status).toBe(201);
    expect(await ordersOf(ada)).toHaveLength(2);
    await other.close();
  });

  it('are removed by the job, and may be used anew', async () => {
    const old = await orderOne('old');
    const young = await orderOne('young');
    await givenOver('old');
    await app.app.get(IdempotencyService).expire();
    expect(await claimsOf(ada)).toHaveLength(1);
    const anew = await orderOne('old', { note: 'another body' });
    expect(anew.status).toBe(201);
    expect(anew.body.id).not.toBe(old.body.id);
    expect((await orderOne('young')).body).toEqual(young.body);
  });

  it('are removed however many there are, and shared by those who remove', async () => {
    await database.sql(
      `INSERT INTO idempotency_keys (scope, body_hash, status, response, finished_at, created_at)
       SELECT '0 old ' || n, decode(repeat('00', 32), 'hex'), 200, '{}', now() - interval '2 days', now() - interval '2 days'
       FROM generate_series(1, 2500) n`,
    );
    const claims = app.app.get(IdempotencyService);
    const removed = await Promise.all([claims.expire(), claims.expire()]);
    expect(removed[0] + removed[1]).toBe(2_500);
    expect(await claims.expire()).toBe(0);
  });
});

describe('a fault at the very last write', () => {
  afterEach(() => database.sql('DROP FUNCTION fail CASCADE'));

  it('leaves no trace: no order, no ledger row, no stock taken, no event, and the key is free', async () => {
    const countRows = () =>
      database.sql(`SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM events) AS events,
        (SELECT count(*) FROM stock_movements) AS movements, (SELECT count(*) FROM reservations) AS holds,
        (SELECT count(*) FROM order_lines) AS lines, (SELECT count(*) FROM order_history) AS history,
        (SELECT count(*) FROM idempotency_keys) AS claims`);
    const before = await countRows();
    await database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is on fire'; END $$`,
    );
    await database.sql(
      'CREATE TRIGGER fail BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION fail()',
    );
    const answer = await orderOne('a-key');
    expectProblem(answer, 500, 'internal_error', 'something went wrong on our side');
    expect(JSON.stringify(answer.body)).not.toMatch(/fire|INSERT|SELECT|trigger|stack|\.ts|\.js/);
    expect(await stockOf(database, product_id)).toBe(100);
    expect(await countRows()).toEqual(before);

    await database.sql('DROP TRIGGER fail ON idempotency_keys');
    expect((await orderOne('a-key')).status).toBe(201);
  });

  it('of one order does not harm those that are placed together with it', async () => {
    await database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poisoned'; END $$`,
    );
    await database.sql(
      `CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.note = 'poison')
       EXECUTE FUNCTION fail()`,
    );
    // While the first is waiting for its product, the others gather into one batch behind it.
    const held = await givenHeldProducts(database, product_id);
    const first = orderOne();
    await untilWaiting(database);
    const entered = countEntered();
    const others = times(9, (index) => orderOne(`key-${index}`, { note: index === 4 ? 'poison' : 'fine' }));
    await entered(9);
    await held.release();
    expect((await first).status).toBe(201);
    expect((await others).map(({ status }) => status)).toEqual([201, 201, 201, 201, 500, 201, 201, 201, 201]);
    expect(await stockOf(database, product_id)).toBe(91);
    expect(await ordersOf(ada)).toHaveLength(9);
  });

  it('lets the others wait for a busy product once in all, and not each of them', async () => {
    await database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poisoned'; END $$`,
    );
    await database.sql(
      `CREATE TRIGGER fail BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.note = 'poison')
       EXECUTE FUNCTION fail()`,
    );
    const other = await givenProduct(database);
    const held = await givenHeldProducts(database, product_id);
    const first = orderOne();
    await untilWaiting(database);
    const entered = countEntered();
    const others = times(8, (index) => orderOne(undefined, { note: index === 0 ? 'poison' : 'fine' }));
    const elsewhere = ada.order([{ product_id: other, quantity: 1 }]);
    await entered(9);
    // Together they fail for the poison. Then somebody takes the product, and keeps it.
    const faults = countFaults();
    const again = faults.afterFirst(() => givenHeldProducts(database, product_id));
    await held.release();
    expect((await first).status).toBe(201);
    const answers = await others;
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(503));
    expect((await elsewhere).status).toBe('pending');
    await (await again()).release();
    // On a busy machine the first try at all of them may be one more; one by one it would be eight.
    expect(faults.all().filter((error) => isBusy(error)).length).toBeLessThanOrEqual(2);
    expect(await stockOf(database, product_id)).toBe(99);
  });
});

describe('a connection to the database that is lost', () => {
  it('while an order waits for its product does not show: the order is placed on another', async () => {
    // Sequelize tells the console that it gives the connection up, and nothing else is wrong here.
    const { warn } = console;
    console.warn = () => undefined;
    const held = await givenHeldProducts(database, product_id);
    const placing = orderOne('a-key');
    await untilWaiting(database);
    await database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    await held.release();
    expect((await placing).status).toBe(201);
    console.warn = warn;
    expect(await ordersOf(ada)).toHaveLength(1);
    expect(await stockOf(database, product_id)).toBe(99);
  });

  it.each([undefined, 'a-key'])('after COMMIT does not order twice; the key is %s', async (key) => {
    const door = app.app.get(DatabaseService);
    const transaction = door.transaction.bind(door);
    let losses = 1;
    door.transaction = async (work) => {
      const result = await transaction(work);
      if (losses-- > 0) throw new Error('Connection terminated unexpectedly');
      return result;
    };
    const answer = await orderOne(key);
    door.transaction = transaction;
    expect(losses).toBeLessThan(0);
    expect(answer.status).toBe(201);
    expect(await ordersOf(ada)).toEqual([{ id: answer.body.id }]);
    expect(await stockOf(database, product_id)).toBe(99);
  });
});

/** Keeps from now on why transactions fail. */
function countFaults() {
  const door = app.app.get(DatabaseService);
  const transaction = door.transaction.bind(door);
  const faults: unknown[] = [];
  let hasFailed: () => Promise<void> = async () => undefined;
  door.transaction = async (work) => {
    try {
      return await transaction(work);
    } catch (error) {
      faults.push(error);
      if (faults.length === 1) await hasFailed();
      throw error;
    }
  };
  return {
    all() {
      door.transaction = transaction;
      return faults;
    },
    /** Does this when the first has failed, before anybody hears of it. @returns what it came to. */
    afterFirst<T>(work: () => Promise<T>): () => Promise<T> {
      let done: Promise<T>;
      hasFailed = async () => {
        done = work();
        await done;
      };
      return () => done;
    },
  };
}

/** Counts from now on who comes to be placed. @returns a wait until so many have. */
function countEntered(): (count: number) => Promise<void> {
  let entered = 0;
  const placement = app.app.get(PlacementService);
  const place = placement.place.bind(placement);
  placement.place = (request) => {
    entered += 1;
    return place(request);
  };
  return (count) =>
    until(`${count} are in the queue`, async () => {
      await database.sql('SELECT');
      return entered === count;
    });
}
