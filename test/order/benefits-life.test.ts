import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { OrderRepository } from '../../src/order/order.repository.js';
import type { OrderRow } from '../../src/order/order.types.js';
import { OrderBenefits } from '../../src/order/order-benefits.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import type { Tx } from '../../src/platform/database/tx.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { entriesOf, givenDiscount, givenPoints, pointsOf, usesOf } from '../support/given-benefits.js';
import {
  type GivenSandbox,
  givenAdminShopper,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let admin: Shopper;
let ada: Shopper;
let product_id: number;
let code: string;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  app = await bootApp(database, sandbox.settings);
  admin = await givenAdminShopper(app, database);
});
beforeEach(async () => {
  ada = await givenShopper(app);
  await givenPoints(database, admin, ada, 1_000);
  product_id = await givenProduct(database, { price: 20 });
  code = await givenDiscount(database, { usage_limit: 1 });
});
afterAll(async () => {
  await app.close();
  await sandbox.close();
  await database.drop();
});

/** Costs 12.00: two less by the code, six less by points. */
const place = () => ada.order([{ product_id, quantity: 1 }], { discount_code: code, redeem_points: 600 });

async function expectTaken(orderId: string): Promise<void> {
  expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 0 });
  expect(await entriesOf(database, orderId)).toEqual([{ kind: 'redeemed', delta: -600 }]);
  expect(await pointsOf(database, ada.id)).toEqual({ balance: 400, booked: 400 });
}

async function expectReturned(orderId: string): Promise<void> {
  expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 1 });
  expect(await entriesOf(database, orderId)).toEqual([
    { kind: 'redeemed', delta: -600 },
    { kind: 'returned', delta: 600 },
  ]);
  expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
}

describe('the use of a discount and the points of an order', () => {
  afterEach(() => expectPromisesKept(database));

  it('come back when it is cancelled, once', async () => {
    const { id } = await place();
    await expectTaken(id);
    await ada.cancel(id);
    await expectReturned(id);
    expect((await ada.cancel(id)).status).toBe(200);
    await expectReturned(id);
  });

  it('come back when its time has passed', async () => {
    const { id } = await place();
    await givenHoldIsOver(database, id);
    await app.app.get(OverdueHolds).sweep();
    expect((await ada.get(id)).body.status).toBe('expired');
    await expectReturned(id);
  });

  it('come back when somebody else needs its goods', async () => {
    await database.sql('UPDATE products SET stock = 1, first_count = 1 WHERE id = $1', [product_id]);
    const { id } = await place();
    await givenHoldIsOver(database, id);
    const other = await givenShopper(app);
    // The use that comes back is the one that the other order takes, in the same transaction.
    await other.order([{ product_id, quantity: 1 }], { discount_code: code });
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 1 });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });

  it('come back when its checkout is declined, and the next checkout takes them', async () => {
    await ada.add(product_id);
    const wish = { discount_code: code, redeem_points: 600 };
    const declined = await ada.checkout({ ...wish, payment_token: 'tok_declined' });
    expect(declined.body.status).toBe('FAILED');
    await expectReturned(declined.body.order_id);
    const paid = await ada.checkout(wish);
    expect(paid.body).toMatchObject({ status: 'COMPLETED', total_price: 12 });
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 1 });
    expect(await entriesOf(database, paid.body.order_id)).toEqual([
      { kind: 'redeemed', delta: -600 },
      { kind: 'earned', delta: 12 },
    ]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 412, booked: 412 });
  });

  it('stay taken when a payment is declined that can be tried again', async () => {
    const { id } = await place();
    await ada.pay(id, { payment_token: 'tok_declined' });
    await expectTaken(id);
  });
});

describe('within transactions of somebody else', () => {
  /** Does the work with the order locked. */
  const within = <T>(orderId: string, work: (order: OrderRow, tx: Tx) => Promise<T>): Promise<T> =>
    app.app.get(DatabaseService).transaction(async (tx) => {
      const order = (await app.app.get(OrderRepository).lock(orderId, tx)) as OrderRow;
      return work(order, tx);
    });
  const benefits = () => app.app.get(OrderBenefits);
  const giveBack = (orderId: string) => within(orderId, (order, tx) => benefits().giveBack(order, tx));
  const takeAgain = (orderId: string) => within(orderId, (order, tx) => benefits().takeAgain(order, tx));
  const earn = (orderId: string) => within(orderId, (order, tx) => benefits().earn(order, tx));
  const takeBackEarned = (orderId: string) =>
    within(orderId, (order, tx) => benefits().takeBackEarned(order, tx));

  it('they are given back once, however often it is asked for', async () => {
    const { id } = await place();
    for (let n = 0; n < 3; n++) await giveBack(id);
    await expectReturned(id);
  });

  it('they are taken again, and given back again, round after round', async () => {
    const { id } = await place();
    for (let round = 0; round < 3; round++) {
      expect(await takeAgain(id)).toBe(true);
      expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 0 });
      expect(await pointsOf(database, ada.id)).toEqual({ balance: 400, booked: 400 });
      await giveBack(id);
      await giveBack(id);
      expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 1 });
      expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
    }
    expect(await takeAgain(id)).toBe(true);
    expect((await entriesOf(database, id)).map(({ kind }) => kind)).toEqual([
      'redeemed',
      'returned',
      'redeemed',
      'returned',
      'redeemed',
      'returned',
      'redeemed',
    ]);
  });

  it('neither is taken again when the use went to somebody else', async () => {
    const { id } = await place();
    await ada.cancel(id);
    await (await givenShopper(app)).order([{ product_id, quantity: 1 }], { discount_code: code });
    expect(await takeAgain(id)).toBe(false);
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 1 });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });

  it('neither is taken again when the user has used the code in another order', async () => {
    await database.sql('UPDATE discounts SET usage_limit = NULL, per_user_limit = 1 WHERE code = $1', [code]);
    const { id } = await place();
    await ada.cancel(id);
    await ada.order([{ product_id, quantity: 1 }], { discount_code: code });
    expect(await takeAgain(id)).toBe(false);
  });

  it('neither is taken again when the points are spent', async () => {
    const { id } = await place();
    await ada.cancel(id);
    const { id: other } = await ada.order([{ product_id, quantity: 1 }], { redeem_points: 500 });
    expect(await takeAgain(id)).toBe(false);
    expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 1 });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 500, booked: 500 });
    await ada.cancel(other);
    expect(await takeAgain(id)).toBe(true);
  });

  it('the code may have ended meanwhile: the order keeps its price', async () => {
    const { id } = await place();
    await ada.cancel(id);
    await database.sql(
      `UPDATE discounts SET ends_at = now(), active = false, deleted_at = now() WHERE code = $1`,
      [code],
    );
    expect(await takeAgain(id)).toBe(true);
    await giveBack(id);
  });

  it('an order without any of it is revived for nothing', async () => {
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    await ada.cancel(id);
    expect(await takeAgain(id)).toBe(true);
    expect(await entriesOf(database, id)).toEqual([]);
  });

  it('a paid order earns once, and what it earned goes once', async () => {
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    for (let n = 0; n < 3; n++) await earn(id);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_020, booked: 1_020 });
    for (let n = 0; n < 3; n++) await takeBackEarned(id);
    expect(await entriesOf(database, id)).toEqual([
      { kind: 'earned', delta: 20 },
      { kind: 'taken_back', delta: -20 },
    ]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });

  it('what was earned and is spent is owed: the balance is never below 0', async () => {
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    await earn(id);
    const spent = await ada.order([{ product_id, quantity: 1 }], { redeem_points: 1_015 });
    await takeBackEarned(id);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 0, booked: -15 });
    const { body } = await ada.send('GET', '/points?limit=1');
    expect(body).toMatchObject({ balance: 0, owed: 15 });
    expect(body.entries[0]).toMatchObject({
      kind: 'taken_back',
      delta: -20,
      reason: '15 of 20 were spent, and are owed',
    });
    // Once: not even when there are points again, and those settle what is owed.
    await ada.cancel(spent.id);
    await takeBackEarned(id);
    expect(await entriesOf(database, id)).toEqual([
      { kind: 'earned', delta: 20 },
      { kind: 'taken_back', delta: -20 },
    ]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });

  it('the points that have settled what was owed are not taken again', async () => {
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    await earn(id);
    const spent = await ada.order([{ product_id, quantity: 1 }], { redeem_points: 1_015 });
    await takeBackEarned(id);
    await ada.cancel(spent.id);
    expect(await takeAgain(spent.id)).toBe(false);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });

  it('a paid order that is cancelled returns what it redeemed, and loses what it earned', async () => {
    const { id } = await place();
    await ada.pay(id);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 412, booked: 412 });
    expect((await ada.cancel(id)).body.status).toBe('cancelled');
    expect(await entriesOf(database, id)).toEqual([
      { kind: 'redeemed', delta: -600 },
      { kind: 'earned', delta: 12 },
      { kind: 'returned', delta: 600 },
      { kind: 'taken_back', delta: -12 },
    ]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
    expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 1 });
  });
});
