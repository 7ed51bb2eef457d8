import { IdempotencyRepository } from '../../src/platform/idempotency/idempotency.repository.js';
import { IdempotencyService } from '../../src/platform/idempotency/idempotency.service.js';
import { givenHeldProducts, times, until, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  type Answer,
  callAndHangUp,
  type GivenSandbox,
  givenCart,
  givenProduct,
  givenSandbox,
  givenShopper,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let one: TestApp;
let other: TestApp;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  [one, other] = await Promise.all([
    bootApp(database, sandbox.settings),
    bootApp(database, sandbox.settings),
  ]);
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await sandbox.close();
  await database.drop();
});

const ordersOf = async ({ id }: Shopper): Promise<{ id: string }[]> =>
  database.sql('SELECT id FROM orders WHERE user_id = $1', [id]);

/** One call has placed the order; each other is given its answer again, or is told that the first is not done yet. */
function expectOne(answers: Answer[], status: number): void {
  for (const answer of answers.filter((each) => each.status !== status)) {
    expect(answer.status).toBe(409);
    expect(answer.body.code).toBe('idempotency_in_progress');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  const done = answers.filter((each) => each.status === status);
  expect(done.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1);
}

/** Asks again, as `Retry-After` tells a client to, until the first call is done. */
async function repeatUntilDone(ask: () => Promise<Answer>): Promise<Answer> {
  let answer = await ask();
  await until('the first call is done', async () => {
    if (answer.status !== 409) return true;
    answer = await ask();
    return false;
  });
  return answer;
}

describe('twenty simultaneous orders with one key', () => {
  it('are one order, served by two instances', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenShopper(one);
    const place = (index: number) =>
      ada.at(index % 2 ? one : other).place([{ product_id, quantity: 2 }], {}, 'click');
    const answers = await times(20, place);
    expectOne(answers, 201);
    const again = await place(0);
    expect(again.status).toBe(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    for (const { status, body } of answers) if (status === 201) expect(body).toEqual(again.body);
    expect(await ordersOf(ada)).toEqual([{ id: again.body.id }]);
    expect(await stockOf(database, product_id)).toBe(98);
    await expectPromisesKept(database);
  });

  it('are twenty orders when nobody holds the key', async () => {
    const unguarded = await cloneDatabase();
    await unguarded.sql('ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey');
    const app = await bootApp(unguarded, {}, (nest) => {
      const claims = nest.get(IdempotencyService);
      claims.alone = async (_, work) => work();
      claims.lockAll = async (all) => new Map(all.map(({ scope }) => [scope, { kind: 'fresh' }]));
    });
    const product_id = await givenProduct(unguarded);
    const ada = await givenShopper(app);
    const answers = await times(20, () => ada.place([{ product_id, quantity: 2 }], {}, 'click'));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(20);
    expect(await stockOf(unguarded, product_id)).toBe(60);
    await app.close();
    await unguarded.drop();
  });
});

describe('twenty simultaneous repeats after the end of a key', () => {
  const givenOver = (at: TestDatabase) =>
    at.sql(
      `UPDATE idempotency_keys SET created_at = now() - interval '2 days', finished_at = now() - interval '2 days'`,
    );

  it('are one new order, served by two instances', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenShopper(one);
    const place = (index: number) =>
      ada.at(index % 2 ? one : other).place([{ product_id, quantity: 2 }], {}, 'click');
    const old = await place(0);
    await givenOver(database);
    const held = await givenHeldProducts(database, product_id);
    const racing = times(20, place);
    await untilWaiting(database);
    await held.release();
    expectOne(await racing, 201);
    const again = await place(0);
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([201, 'true']);
    expect(new Set((await ordersOf(ada)).map(({ id }) => id))).toEqual(new Set([old.body.id, again.body.id]));
    expect(await stockOf(database, product_id)).toBe(96);
    await expectPromisesKept(database);
  });

  it('are more than one when each instance takes the old key for its own to replace', async () => {
    const unguarded = await cloneDatabase();
    await unguarded.sql('ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey');
    const apps = await times(2, () =>
      bootApp(unguarded, {}, (nest) => {
        nest.get(IdempotencyRepository).tryLock = async (scopes) => new Set(scopes);
      }),
    );
    const product_id = await givenProduct(unguarded);
    const ada = await givenShopper(apps[0] as TestApp);
    const place = (index: number) =>
      ada.at(apps[index % 2] as TestApp).place([{ product_id, quantity: 2 }], {}, 'click');
    await place(0);
    await givenOver(unguarded);
    const held = await givenHeldProducts(unguarded, product_id);
    const racing = times(20, place);
    await untilWaiting(unguarded, 2);
    await held.release();
    const anew = (await racing).filter(
      ({ status, headers }) => status === 201 && headers['idempotent-replayed'] === undefined,
    );
    expect(new Set(anew.map(({ body }) => body.id)).size).toBe(2);
    expect(await stockOf(unguarded, product_id)).toBe(94);
    await Promise.all(apps.map((app) => app.close()));
    await unguarded.drop();
  });
});

describe('a double click after a dropped answer', () => {
  it('finds the order that the first click has placed', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenShopper(one);
    const wish = { body: { items: [{ product_id, quantity: 1 }] }, key: 'click' };
    const held = await givenHeldProducts(database, product_id);
    await callAndHangUp(one, ada.user, '/orders', wish, () => untilWaiting(database));
    await held.release();
    const answer = await repeatUntilDone(() => ada.send('POST', '/orders', wish));
    expect(answer.status).toBe(201);
    expect(await ordersOf(ada)).toEqual([{ id: answer.body.id }]);
    expect(await stockOf(database, product_id)).toBe(99);
  });

  it('finds the checkout that the first click has begun, and charges once', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenCart(one, { product_id, quantity: 1 });
    const body = { payment_token: 'tok_slow' };
    const placed = () => until('the order is placed', async () => (await ordersOf(ada)).length > 0);
    await callAndHangUp(one, ada.user, '/checkout', { body, key: 'click' }, placed);
    const answer = await repeatUntilDone(() =>
      ada.at(other).send('POST', '/checkout', { body, key: 'click' }),
    );
    expect(answer.body).toMatchObject({ status: 'COMPLETED', payment: { status: 'succeeded' } });
    expect(await ordersOf(ada)).toEqual([{ id: answer.body.order_id }]);
    expect(await sandbox.ledger(answer.body.order_id)).toMatchObject({ captures: 1 });
    expect(await ada.cart()).toEqual([]);
    await expectPromisesKept(database);
  });

  it('orders twice when the client brings no key', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenShopper(one);
    const wish = { body: { items: [{ product_id, quantity: 1 }] } };
    const held = await givenHeldProducts(database, product_id);
    await callAndHangUp(one, ada.user, '/orders', wish, () => untilWaiting(database));
    await held.release();
    expect((await ada.send('POST', '/orders', wish)).status).toBe(201);
    expect(await ordersOf(ada)).toHaveLength(2);
  });
});
