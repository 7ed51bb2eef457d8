import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { CartService } from '../../src/cart/cart.service.js';
import { OrderRepository } from '../../src/order/order.repository.js';
import { IdempotencyService } from '../../src/platform/idempotency/idempotency.service.js';
import { meeting, times } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  countOf,
  type GivenSandbox,
  givenCart,
  givenProduct,
  givenSandbox,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { brokenPromises, expectPromisesKept } from '../support/promises.js';

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

const ordersOf = async (ada: Shopper, where = database): Promise<{ id: string; status: string }[]> =>
  where.sql('SELECT id, status FROM orders WHERE user_id = $1', [ada.id]);

async function expectBoughtOnce(ada: Shopper, productId: number, orderId: string): Promise<void> {
  expect(await ordersOf(ada)).toEqual([{ id: orderId, status: 'paid' }]);
  const { captures, payments } = await sandbox.ledger(orderId);
  expect({ captures, keys: payments.map(({ idempotence_key }) => idempotence_key) }).toEqual({
    captures: 1,
    keys: [`order-${orderId}-payment`],
  });
  expect(await stockOf(database, productId)).toBe(98);
  expect(await ada.cart()).toEqual([]);
  await expectPromisesKept(database);
}

describe('twenty simultaneous checkouts', () => {
  it('with one key are one order and one charge', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenCart(one, { product_id, quantity: 2 });
    const answers = await times(20, (index) => ada.at(index % 2 ? one : other).checkout({}, 'click'));
    for (const { status, body, headers } of answers) {
      if (status === 200) continue;
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'idempotency_in_progress' });
      expect(headers['retry-after']).toBe('1');
    }
    const again = await ada.checkout({}, 'click');
    expect(again.body.status).toBe('COMPLETED');
    expect(again.headers['idempotent-replayed']).toBe('true');
    for (const { status, body } of answers) if (status === 200) expect(body).toEqual(again.body);
    await expectBoughtOnce(ada, product_id, again.body.order_id);
  });

  it('of one cart with different keys buy it once', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenCart(one, { product_id, quantity: 2 });
    const answers = await times(20, (index) => ada.at(index % 2 ? one : other).checkout());
    const [bought, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    for (const answer of answers.filter((each) => each !== bought)) {
      const { status, body } = answer;
      expect([
        [409, 'checkout_in_progress'],
        [400, 'cart_empty'],
      ]).toContainEqual([status, body.code]);
    }
    await expectBoughtOnce(ada, product_id, bought?.body.order_id);
  });
});

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
    await unguarded.sql('DROP INDEX orders_cart_once');
  });
  afterEach(() => unguarded.drop());

  /** Nobody looks whether this round of the cart is bought, and all read the cart before anybody buys it. */
  function withoutRounds(nest: NestFastifyApplication, allHaveRead: () => Promise<void>): void {
    nest.get(OrderRepository).findBoughtRounds = async () => new Set();
    const carts = nest.get(CartService);
    const findForCheckout = carts.findForCheckout.bind(carts);
    carts.findForCheckout = async (userId) => {
      const cart = await findForCheckout(userId);
      await allHaveRead();
      return cart;
    };
  }

  it('one cart is bought twice: its rounds are not counted', async () => {
    const allHaveRead = meeting(2);
    const app = await bootApp(unguarded, sandbox.settings, (nest) => withoutRounds(nest, allHaveRead));
    const ada = await givenCart(app, { product_id: await givenProduct(unguarded), quantity: 1 });
    const answers = await times(2, () => ada.checkout());
    expect(answers.map(({ body }) => body.status)).toEqual(['COMPLETED', 'COMPLETED']);
    expect(await ordersOf(ada, unguarded)).toHaveLength(2);
    expect(await brokenPromises(unguarded)).toEqual(['a round of a cart is bought once']);
    await app.close();
  });

  it('the index alone still keeps a cart from being bought twice', async () => {
    await unguarded.sql(
      `CREATE UNIQUE INDEX orders_cart_once ON orders (cart_id, cart_round)
       WHERE status NOT IN ('failed', 'expired', 'cancelled')`,
    );
    const allHaveRead = meeting(2);
    const apps = await times(2, () =>
      bootApp(unguarded, sandbox.settings, (nest) => withoutRounds(nest, allHaveRead)),
    );
    const ada = await givenCart(apps[0] as TestApp, {
      product_id: await givenProduct(unguarded),
      quantity: 1,
    });
    const answers = await Promise.all(apps.map((app) => ada.at(app).checkout()));
    expect(countOf(answers, 200)).toBe(1);
    expect(answers.find(({ status }) => status !== 200)?.body.code).toBe('checkout_in_progress');
    await expectPromisesKept(unguarded);
    await Promise.all(apps.map((app) => app.close()));
  });

  it('one key charges five times: nobody holds it, and the rounds are not counted', async () => {
    await unguarded.sql('ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey');
    const allHaveRead = meeting(5);
    // One by one: in a batch the rounds are counted without a look at the table.
    const settings = { ...sandbox.settings, PLACEMENT_BATCH_MAX: '1' };
    const app = await bootApp(unguarded, settings, (nest) => {
      withoutRounds(nest, allHaveRead);
      const claims = nest.get(IdempotencyService);
      claims.isKnown = async () => false;
      claims.alone = async (_, work) => work();
      claims.lockAll = async (all) => new Map(all.map(({ scope }) => [scope, { kind: 'fresh' }]));
    });
    const ada = await givenCart(app, { product_id: await givenProduct(unguarded), quantity: 1 });
    const answers = await times(5, () => ada.checkout({}, 'click'));
    const charged = await Promise.all(answers.map(({ body }) => sandbox.ledger(body.order_id)));
    expect(charged.map(({ captures }) => captures)).toEqual([1, 1, 1, 1, 1]);
    expect(new Set(answers.map(({ body }) => body.order_id)).size).toBe(5);
    await app.close();
  });
});
