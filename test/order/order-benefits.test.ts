import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { Statement } from '../../src/platform/database/statement.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  entriesOf,
  givenDiscount,
  givenGuest,
  givenPoints,
  pointsOf,
  usesOf,
} from '../support/given-benefits.js';
import {
  type Answer,
  expectProblem,
  givenAdminShopper,
  givenCart,
  givenProduct,
  givenShopper,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let app: TestApp;
let admin: Shopper;
let ada: Shopper;
let product_id: number;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await givenAdminShopper(app, database);
});
beforeEach(async () => {
  ada = await givenShopper(app);
  product_id = await givenProduct(database, { price: 19.99 });
});
afterEach(() => jest.restoreAllMocks());
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await app.close();
  await database.drop();
});

const two = () => [{ product_id, quantity: 2 }];
const place = (members: object, who = ada, key?: string): Promise<Answer> => who.place(two(), members, key);

/** The order was refused, and it is as if nobody had asked. */
async function expectNothingTaken(code: string | null = null): Promise<void> {
  expect(await stockOf(database, product_id)).toBe(100);
  const orders = await database.sql('SELECT FROM order_lines WHERE product_id = $1', [product_id]);
  expect(orders).toEqual([]);
  if (code !== null) expect(await usesOf(database, code)).toMatchObject({ counted: 0, live: 0 });
}

describe('an order with a discount code', () => {
  it('costs less, says why, and counts as a use', async () => {
    const code = await givenDiscount(database, { value: 12.5, usage_limit: 3 });
    const { status, body } = await place({ discount_code: ` ${code.toLowerCase()} ` });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      items_price: 39.98,
      discount_code: code,
      discount_price: 5,
      shipping_price: 0,
      total_price: 34.98,
    });
    expect((await ada.get(body.id)).body).toEqual(body);
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 0 });
  });

  it.each([
    ['unknown', null, 'is unknown'],
    ['inactive', { active: false }, 'is inactive'],
    ['not_started', { starts_at: '2999-01-01' }, 'has not started'],
    ['ended', { ends_at: '2020-01-01' }, 'has ended'],
    ['min_items_price', { min_items_price: 39.99 }, 'needs items for at least 39.99'],
  ])('that is %s is refused with the reason, and takes nothing', async (reason, members, sentence) => {
    const code = members === null ? 'NOSUCHCODE' : await givenDiscount(database, members);
    const answer = await place({ discount_code: code });
    expectProblem(answer, 400, 'discount_invalid', `the discount code ${code} ${sentence}`);
    expect(answer.body.reason).toBe(reason);
    await expectNothingTaken();
  });

  it('that is used up is refused, until a use comes back', async () => {
    const code = await givenDiscount(database, { usage_limit: 1 });
    const first = await place({ discount_code: code });
    const other = await givenShopper(app);
    const refused = await place({ discount_code: code }, other);
    expectProblem(refused, 400, 'discount_invalid', `the discount code ${code} is used up`);
    expect(refused.body.reason).toBe('used_up');
    await ada.cancel(first.body.id);
    expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 1 });
    expect((await place({ discount_code: code }, other)).status).toBe(201);
  });

  it('that a user has used as often as they may is refused to this user only', async () => {
    const code = await givenDiscount(database, { per_user_limit: 1 });
    const first = await place({ discount_code: code });
    const again = await place({ discount_code: code });
    expectProblem(again, 400, 'discount_invalid', `the discount code ${code} is used up by you`);
    expect(again.body.reason).toBe('used_up_by_you');
    const validate = { body: { code, items_price: 10 } };
    expect((await ada.send('POST', '/discounts/validate', validate)).body.reason).toBe('used_up_by_you');
    expect((await place({ discount_code: code }, await givenGuest(app, database))).status).toBe(201);
    await ada.cancel(first.body.id);
    expect((await place({ discount_code: code })).status).toBe(201);
  });

  it('is bought once a key, with one use', async () => {
    const code = await givenDiscount(database);
    const key = randomUUID();
    const first = await place({ discount_code: code }, ada, key);
    expect((await place({ discount_code: code }, ada, key)).body).toEqual(first.body);
    expect(await usesOf(database, code)).toMatchObject({ counted: 1, live: 1 });
  });

  it('keeps its price when the discount is changed or removed', async () => {
    const code = await givenDiscount(database, { usage_limit: 2 });
    const [{ id }] = (await database.sql<{ id: number }>('SELECT id FROM discounts WHERE code = $1', [
      code,
    ])) as [{ id: number }];
    const first = (await place({ discount_code: code })).body;
    const second = (await place({ discount_code: code })).body;
    const change = (body: object) => admin.send('PATCH', `/discounts/${id}`, { body });
    expectProblem(
      await change({ usage_limit: 1 }),
      400,
      'validation_failed',
      'usage_limit must be at least 2: so often it is used',
    );
    expect((await change({ value: 50, usage_limit: null })).body).toMatchObject({ times_used: 2, value: 50 });
    expect((await admin.send('DELETE', `/discounts/${id}`)).status).toBe(204);
    expect((await place({ discount_code: code })).body).toMatchObject({ reason: 'unknown' });
    expect((await ada.get(first.id)).body).toEqual(first);
    expect((await ada.cancel(second.id)).status).toBe(200);
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 1 });
    // The code is free; what orders have used stays with the discount that they used.
    expect((await admin.send('GET', `/discounts/${id}`)).status).toBe(404);
    const made = await admin.send('POST', '/discounts', { body: { code, kind: 'fixed', value: 1 } });
    expect(made.body).toMatchObject({ code, times_used: 0 });
  });
});

describe('an order with points', () => {
  it('costs less, and the account has fewer', async () => {
    await givenPoints(database, admin, ada, 1_000);
    const { status, body } = await place({ redeem_points: 498 });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      items_price: 39.98,
      redeemed_points: 498,
      points_discount_price: 4.98,
      total_price: 35,
    });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 502, booked: 502 });
    expect((await ada.send('GET', '/auth/me')).body.points).toBe(502);
  });

  it('takes no more of them than the price needs', async () => {
    await givenPoints(database, admin, ada, 5_000);
    const { body } = await place({ redeem_points: 4_500 });
    expect(body).toMatchObject({ redeemed_points: 3_998, points_discount_price: 39.98, total_price: 0 });
    expect(await pointsOf(database, ada.id)).toMatchObject({ balance: 1_002 });
  });

  it('is refused when there are fewer, also when the price would need fewer, and takes nothing', async () => {
    await givenPoints(database, admin, ada, 4_000);
    const code = await givenDiscount(database);
    const answer = await place({ redeem_points: 4_001, discount_code: code });
    expectProblem(answer, 400, 'points_insufficient', '4001 points were to be redeemed, and there are 4000');
    expect(answer.body).toMatchObject({ requested: 4_001, balance: 4_000 });
    await expectNothingTaken(code);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 4_000, booked: 4_000 });
  });

  it('is refused to a guest, who has none', async () => {
    const guest = await givenGuest(app, database);
    expectProblem(await place({ redeem_points: 1 }, guest), 400, 'points_insufficient');
    await expectNothingTaken();
    expect((await place({ redeem_points: 0 }, guest)).status).toBe(201);
    const { body } = await guest.send('GET', '/points');
    expect(body).toEqual({ balance: 0, owed: 0, entries: [], next_cursor: null });
  });
});

describe('an order with everything', () => {
  it('is priced in this order: items, discount, shipping, points', async () => {
    const shipping = { SHIPPING_FLAT_PRICE: '4.99', SHIPPING_FREE_FROM: '50', POINT_VALUE: '0.02' };
    const dear = await bootApp(database, shipping);
    try {
      const code = await givenDiscount(database);
      await givenPoints(database, admin, ada, 100);
      const buyer = ada.at(dear);
      const wish = { discount_code: code, redeem_points: 100 };
      const wrong = await place({ ...wish, expected_total: 39.98 }, buyer);
      expectProblem(wrong, 409, 'price_changed', 'the total is 38.97, not 39.98');
      await expectNothingTaken(code);
      const { body } = await place({ ...wish, expected_total: 38.97 }, buyer);
      expect(body).toMatchObject({
        items_price: 39.98,
        discount_price: 4,
        shipping_price: 4.99,
        redeemed_points: 100,
        points_discount_price: 2,
        total_price: 38.97,
      });
      expect((await buyer.order([{ product_id, quantity: 3 }])).shipping_price).toBe(0);
      expect((await buyer.order([{ product_id, quantity: 3 }], { discount_code: code })).shipping_price).toBe(
        0,
      );
      expect((await buyer.order([{ product_id, quantity: 1 }])).shipping_price).toBe(4.99);
    } finally {
      await dear.close();
    }
  });
});

describe('an order that costs nothing', () => {
  it('is paid at once, without a payment', async () => {
    const code = await givenDiscount(database, { value: 100 });
    const key = randomUUID();
    const { status, body } = await place({ discount_code: code }, ada, key);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: 'paid',
      payment_status: 'paid',
      total_price: 0,
      reservation: { status: 'fulfilled' },
      history: [{ status: 'pending' }, { status: 'paid', reason: 'nothing to pay' }],
    });
    expect((await ada.get(body.id)).body).toEqual(body);
    const again = await place({ discount_code: code }, ada, key);
    expect([again.status, again.body]).toEqual([201, body]);
    expect(await ada.payments(body.id)).toEqual([]);
    expect(await entriesOf(database, body.id)).toEqual([]);
    const told = await database.sql(
      `SELECT type FROM events WHERE data->>'order_id' = $1 AND type LIKE 'order.%' ORDER BY id`,
      [body.id],
    );
    expect(told).toEqual([{ type: 'order.placed' }, { type: 'order.paid' }]);
  });

  it.each(['credit_card', 'cod'])('completes its checkout at once, by %s', async (payment_method) => {
    const shopper = await givenCart(app, { product_id, quantity: 2 });
    await givenPoints(database, admin, shopper, 3_998);
    const { status, body } = await shopper.checkout({ redeem_points: 3_998, payment_method });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'COMPLETED', total_price: 0, payment: null });
    expect((await shopper.get(body.order_id)).body).toMatchObject({ status: 'paid', redeemed_points: 3_998 });
    expect(await shopper.cart()).toEqual([]);
  });
});

describe('a checkout', () => {
  it('takes code and points like an order, and is refused like one with its cart kept', async () => {
    const shopper = await givenCart(app, { product_id, quantity: 2 });
    await givenPoints(database, admin, shopper, 500);
    const code = await givenDiscount(database);
    const spoilt = await shopper.checkout({ discount_code: code, redeem_points: 501, payment_method: 'cod' });
    expectProblem(spoilt, 400, 'points_insufficient');
    expectProblem(await shopper.checkout({ discount_code: 'NOSUCHCODE' }), 400, 'discount_invalid');
    await expectNothingTaken(code);
    expect(await shopper.cart()).toHaveLength(1);
    const { status, body } = await shopper.checkout({
      discount_code: code,
      redeem_points: 500,
      payment_method: 'cod',
      expected_total: 30.98,
    });
    expect([status, body.total_price]).toEqual([200, 30.98]);
    expect((await shopper.get(body.order_id)).body).toMatchObject({
      discount_code: code,
      redeemed_points: 500,
    });
  });
});

describe('what nobody asks for', () => {
  it('costs no statement: orders without a code and points look at neither', async () => {
    const ran: string[] = [];
    const run = Statement.prototype.run;
    jest.spyOn(Statement.prototype, 'run').mockImplementation(function (this: Statement, ...args) {
      ran.push(this.name);
      return run.apply(this, args);
    });
    const { id } = await ada.order(two());
    await ada.cancel(id);
    expect(ran).toContain('order-insert');
    expect(ran).toContain('reservation-end');
    expect(ran.filter((name) => /^(discount|points)-/.test(name))).toEqual([]);
    await ada.order(two(), { discount_code: await givenDiscount(database) });
    expect(ran.filter((name) => /^(discount|points)-/.test(name))).toEqual([
      'discount-lock-for-use',
      'discount-count-uses',
      'discount-insert-uses',
    ]);
  });
});
