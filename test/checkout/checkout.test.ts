import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  type Answer,
  expectProblem,
  type GivenSandbox,
  givenAdminShopper,
  givenCart,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let hasty: TestApp;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  // Nothing is recovered before a test says so.
  const settings = { ...sandbox.settings, PAYMENT_RECOVERY_SECONDS: '3600' };
  [app, hasty] = await Promise.all([
    bootApp(database, settings),
    bootApp(database, { ...settings, PAYMENT_TIMEOUT_MS: '300' }),
  ]);
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await Promise.all([app.close(), hasty.close()]);
  await sandbox.close();
  await database.drop();
});

const recover = () => app.app.get(RecoveryService).recover();

/** A customer with two lamps at 12.50 each in the cart. */
async function givenBuyer(stock = 10): Promise<{ ada: Shopper; lamp: number }> {
  const lamp = await givenProduct(database, { price: 12.5, stock });
  return { ada: await givenCart(app, { product_id: lamp, quantity: 2 }), lamp };
}

const eventsOf = async (orderId: string): Promise<string[]> => {
  const text = `SELECT type FROM events WHERE data->>'order_id' = $1 ORDER BY type`;
  return (await database.sql(text, [orderId])).map(({ type }) => type);
};

const ordersOf = ({ id }: Shopper) => database.sql('SELECT id FROM orders WHERE user_id = $1', [id]);

describe('a checkout that is paid', () => {
  it('answers COMPLETED with its payment, and its order is paid', async () => {
    const { ada, lamp } = await givenBuyer();
    const answer = await ada.checkout();
    expect(answer.status).toBe(200);
    const { order_id, payment } = answer.body;
    expect(answer.body).toEqual({
      checkout_id: order_id,
      status: 'COMPLETED',
      order_id: expect.stringMatching(UUID),
      total_price: 25,
      currency: 'USD',
      payment: {
        id: expect.stringMatching(UUID),
        order_id,
        attempt: 1,
        status: 'succeeded',
        amount: 25,
        refunded_amount: 0,
        currency: 'USD',
        provider: 'sandbox',
        provider_payment_id: expect.any(String),
        idempotency_key: `order-${order_id}-payment`,
        confirmation_url: null,
        failure_code: null,
        failure_reason: null,
        created_at: expect.stringMatching(TIME),
        settled_at: expect.stringMatching(TIME),
      },
    });
    expect((await ada.get(order_id)).body).toMatchObject({
      status: 'paid',
      payment_status: 'paid',
      reservation: { status: 'fulfilled' },
      history: [{ status: 'pending' }, { status: 'paid', reason: null }],
    });
    expect((await ada.send('GET', `/checkout/${order_id}`)).body).toEqual(answer.body);
    expect((await ada.send('GET', `/payments/${payment.id}`)).body).toEqual(payment);
    expect(await sandbox.ledger(order_id)).toMatchObject({
      captures: 1,
      payments: [{ status: 'succeeded' }],
    });
    expect(await eventsOf(order_id)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
    expect(await stockOf(database, lamp)).toBe(8);
    expect(await ada.cart()).toEqual([]);
  });

  it.each(['tok_success', 'tok_slow'])('with %s is charged once', async (payment_token) => {
    const { ada } = await givenBuyer();
    const { status, body } = await ada.checkout({ payment_token });
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect(await sandbox.ledger(body.order_id)).toMatchObject({ captures: 1 });
  });

  it('charges the price of now, not the one at which the cart was filled', async () => {
    const { ada, lamp } = await givenBuyer();
    await database.sql('UPDATE products SET price_minor = 1999 WHERE id = $1', [lamp]);
    const { body } = await ada.checkout();
    expect([body.total_price, body.payment.amount]).toEqual([39.98, 39.98]);
  });

  it('sends the goods where the customer says, and charges as they say', async () => {
    const { ada } = await givenBuyer();
    const shipping_address = {
      name: 'Ada',
      lines: ['1 Way'],
      city: 'London',
      postal_code: 'N1',
      country: 'GB',
    };
    const { body } = await ada.checkout({ shipping_address, payment_method: 'e_wallet' });
    expect((await ada.get(body.order_id)).body).toMatchObject({
      shipping_address,
      payment_method: 'e_wallet',
    });
  });
});

describe('a checkout that is declined', () => {
  it.each([
    ['tok_declined', 'general_decline'],
    ['tok_insufficient_funds', 'insufficient_funds'],
    ['tok_nobody_knows', 'invalid_request'],
  ])(
    'with %s answers FAILED; its order has failed, the stock is back, the cart is kept',
    async (token, code) => {
      const { ada, lamp } = await givenBuyer();
      const { status, body } = await ada.checkout({ payment_token: token });
      expect([status, body.status]).toEqual([200, 'FAILED']);
      expect(body.payment).toMatchObject({
        status: 'failed',
        failure_code: code,
        failure_reason: expect.stringMatching(/./),
        settled_at: expect.stringMatching(TIME),
      });
      const { body: order } = await ada.get(body.order_id);
      expect(order).toMatchObject({
        status: 'failed',
        payment_status: 'failed',
        reservation: { status: 'cancelled' },
        history: [{ status: 'pending' }, { status: 'failed', reason: body.payment.failure_reason }],
      });
      expect(await stockOf(database, lamp)).toBe(10);
      expect(await ada.cart()).toEqual([{ product_id: lamp, quantity: 2 }]);
      expect(await sandbox.ledger(body.order_id)).toMatchObject({ captures: 0 });
      expect(await eventsOf(body.order_id)).toEqual([
        'order.failed',
        'order.placed',
        'payment.failed',
        'reservation.released',
      ]);
    },
  );

  it('can be tried again with another key and card', async () => {
    const { ada, lamp } = await givenBuyer();
    const failed = await ada.checkout({ payment_token: 'tok_declined' });
    const { body } = await ada.checkout();
    expect(body.status).toBe('COMPLETED');
    expect(body.order_id).not.toBe(failed.body.order_id);
    expect(await stockOf(database, lamp)).toBe(8);
  });

  it('leaves an order that can neither be paid nor cancelled', async () => {
    const { ada } = await givenBuyer();
    const { order_id } = (await ada.checkout({ payment_token: 'tok_declined' })).body;
    expectProblem(
      await ada.pay(order_id),
      409,
      'order_not_payable',
      'an order that is failed cannot be paid',
    );
    expectProblem(await ada.cancel(order_id), 409, 'order_not_cancellable');
  });
});

describe('a checkout that sends the customer to the provider', () => {
  const begin = async () => {
    const { ada, lamp } = await givenBuyer();
    const answer = await ada.checkout({ payment_token: 'tok_pending' }, 'a-key');
    return { ada, lamp, answer, orderId: answer.body.order_id as string };
  };

  it('is 202 PENDING with the page to go to; the goods are held and the cart is kept', async () => {
    const { ada, lamp, answer, orderId } = await begin();
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      status: 'PENDING',
      payment: { status: 'pending', confirmation_url: expect.stringMatching(/^http/), settled_at: null },
    });
    expect((await ada.get(orderId)).body).toMatchObject({ status: 'pending', payment_status: 'processing' });
    expect((await ada.send('GET', `/checkout/${orderId}`)).body).toEqual(answer.body);
    expect(await stockOf(database, lamp)).toBe(8);
    expect(await ada.cart()).toHaveLength(1);
  });

  it('is COMPLETED when the customer has paid, and its repeat says so', async () => {
    const { ada, answer, orderId } = await begin();
    await sandbox.decide(answer.body.payment.confirmation_url, 'approve');
    await recover();
    const again = await ada.checkout({ payment_token: 'tok_pending' }, 'a-key');
    expect(again.status).toBe(200);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toMatchObject({
      status: 'COMPLETED',
      order_id: orderId,
      payment: { status: 'succeeded' },
    });
    expect(await ada.cart()).toEqual([]);
    expect(await sandbox.ledger(orderId)).toMatchObject({ captures: 1 });
  });

  it('is FAILED when the customer has declined; the stock is back and the cart is kept', async () => {
    const { ada, lamp, answer } = await begin();
    await sandbox.decide(answer.body.payment.confirmation_url, 'decline');
    await recover();
    const again = await ada.checkout({ payment_token: 'tok_pending' }, 'a-key');
    expect([again.status, again.body.status]).toEqual([200, 'FAILED']);
    expect(await stockOf(database, lamp)).toBe(10);
    expect(await ada.cart()).toHaveLength(1);
  });

  it('takes out of the cart what was bought; what was added meanwhile stays', async () => {
    const { ada, lamp, answer } = await begin();
    const desk = await givenProduct(database);
    await ada.add(lamp, 3);
    await ada.add(desk, 1);
    await sandbox.decide(answer.body.payment.confirmation_url, 'approve');
    await recover();
    expect(await ada.cart()).toEqual([
      { product_id: lamp, quantity: 3 },
      { product_id: desk, quantity: 1 },
    ]);
    expect((await ada.checkout()).body).toMatchObject({ status: 'COMPLETED', total_price: 3 * 12.5 + 10 });
  });

  it('keeps the cart from being bought a second time meanwhile', async () => {
    const { ada, answer } = await begin();
    const second = await ada.checkout();
    expectProblem(second, 409, 'checkout_in_progress', 'another checkout of this cart is in progress');
    expect(second.headers['retry-after']).toBeUndefined();
    await sandbox.decide(answer.body.payment.confirmation_url, 'decline');
    await recover();
    expect((await ada.checkout()).body.status).toBe('COMPLETED');
  });

  it('is not begun a second time with its key, however old that is: another one of the cart is under way', async () => {
    const { ada, answer, orderId } = await begin();
    const repeat = () => ada.checkout({ payment_token: 'tok_pending' }, 'a-key');
    await database.sql(
      `UPDATE idempotency_keys SET created_at = now() - interval '2 days', finished_at = now() - interval '2 days' WHERE resource_id = $1`,
      [orderId],
    );
    expectProblem(await repeat(), 409, 'checkout_in_progress');
    await sandbox.decide(answer.body.payment.confirmation_url, 'approve');
    await recover();
    expectProblem(await repeat(), 400, 'cart_empty', 'cart is empty');
    expect(await ordersOf(ada)).toEqual([{ id: orderId }]);
    expect(await sandbox.ledger(orderId)).toMatchObject({ captures: 1 });
  });

  it('can be cancelled meanwhile: nothing is charged any more when the customer declines', async () => {
    const { ada, answer, orderId, lamp } = await begin();
    expect((await ada.cancel(orderId)).body).toMatchObject({ status: 'cancelled' });
    expect(await stockOf(database, lamp)).toBe(10);
    await sandbox.decide(answer.body.payment.confirmation_url, 'decline');
    await recover();
    expect((await ada.get(orderId)).body).toMatchObject({ status: 'cancelled', payment_status: 'failed' });
  });

  it('gives the money back when the customer pays for what was cancelled meanwhile', async () => {
    const { ada, answer, orderId, lamp } = await begin();
    await ada.cancel(orderId);
    await sandbox.decide(answer.body.payment.confirmation_url, 'approve');
    await recover();
    await recover();
    const { body: order } = await ada.get(orderId);
    expect(order).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(order.history.map(({ reason }: { reason: string }) => reason)).toEqual([
      null,
      'cancelled by the customer',
      'paid too late: the money goes back',
      'refunded 25.00 USD: the order was cancelled when its payment arrived',
    ]);
    expect(await stockOf(database, lamp)).toBe(10);
    expect(await sandbox.ledger(orderId)).toMatchObject({
      captures: 1,
      payments: [{ refunded: { value: '25.00' } }],
    });
    expect(await eventsOf(orderId)).toEqual(
      expect.arrayContaining(['order.refunded', 'payment.refunded', 'payment.succeeded']),
    );
  });
});

describe('a checkout whose payment gives no answer', () => {
  it.each(['tok_timeout', 'tok_error'])(
    'with %s is 202 PENDING, then COMPLETED, and charged once',
    async (token) => {
      const { ada, lamp } = await givenBuyer();
      const answer = await ada.at(hasty).checkout({ payment_token: token }, 'a-key');
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({
        status: 'PENDING',
        payment: { status: 'unknown', settled_at: null },
      });
      const { order_id } = answer.body;
      expect((await ada.get(order_id)).body).toMatchObject({
        status: 'pending',
        payment_status: 'processing',
      });
      expect(await ada.cart()).toHaveLength(1);
      expect((await ada.at(hasty).checkout({ payment_token: token }, 'a-key')).body).toEqual(answer.body);

      await recover();
      const again = await ada.checkout({ payment_token: token }, 'a-key');
      expect([again.status, again.body.status, again.body.order_id]).toEqual([200, 'COMPLETED', order_id]);
      const { captures, payments } = await sandbox.ledger(order_id);
      expect([captures, payments.map(({ idempotence_key }) => idempotence_key)]).toEqual([
        1,
        [`order-${order_id}-payment`],
      ]);
      expect(await stockOf(database, lamp)).toBe(8);
      expect(await ada.cart()).toEqual([]);
    },
  );
});

describe('a checkout that cannot begin', () => {
  it('has an empty cart: 400, and the key is free', async () => {
    const ada = await givenShopper(app);
    expectProblem(await ada.checkout({}, 'a-key'), 400, 'cart_empty', 'cart is empty');
    await ada.add(await givenProduct(database), 1);
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
    expectProblem(await ada.checkout(), 400, 'cart_empty', 'cart is empty');
  });

  it('is short of stock: no order, no charge, the cart is kept, and the key is free', async () => {
    const { ada, lamp } = await givenBuyer(1);
    const { captures } = await sandbox.ledger();
    const answer = await ada.checkout({}, 'a-key');
    expectProblem(answer, 409, 'insufficient_stock', `insufficient stock for product ${lamp}`);
    expect(answer.body.items).toEqual([{ product_id: lamp, requested: 2, available: 1 }]);
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(await ordersOf(ada)).toEqual([]);
    expect((await sandbox.ledger()).captures).toBe(captures);
    expect(await ada.cart()).toHaveLength(1);
    await database.sql('UPDATE products SET stock = 2, first_count = 2 WHERE id = $1', [lamp]);
    expect((await ada.checkout({}, 'a-key')).body.status).toBe('COMPLETED');
  });

  it('has a product that is no longer sold, and names it', async () => {
    const gone = await givenProduct(database, { name: 'Old lamp' });
    const ada = await givenCart(app, { product_id: gone, quantity: 1 });
    await database.sql('UPDATE products SET deleted_at = now() WHERE id = $1', [gone]);
    expectProblem(await ada.checkout(), 409, 'product_unavailable', 'Old lamp is no longer available');
    expect(await ordersOf(ada)).toEqual([]);
    expect(await ada.cart()).toEqual([{ product_id: gone, quantity: 1 }]);
  });

  it('costs something else than the client expects', async () => {
    const { ada, lamp } = await givenBuyer();
    const answer = await ada.checkout({ expected_total: 24.99 });
    expectProblem(answer, 409, 'price_changed', 'the total is 25, not 24.99');
    expect(answer.body).toMatchObject({ expected_total: 24.99, actual_total: 25 });
    expect(await stockOf(database, lamp)).toBe(10);
    expect((await ada.checkout({ expected_total: 25 })).body.status).toBe('COMPLETED');
  });

  it.each<[string, object]>([
    ['items is not a known member', { items: [] }],
    ['total_price is not a known member', { total_price: 1 }],
    ['user_id is not a known member', { user_id: 1 }],
    ['status is not a known member', { status: 'COMPLETED' }],
    ['payment_token must be between 1 and 10240 characters', { payment_token: '' }],
    ['payment_token must be between 1 and 10240 characters', { payment_token: 5 }],
    ['payment_token must not have control characters', { payment_token: 'tok\u0000' }],
    ['payment_token must be between 1 and 10240 characters', { payment_token: 'x'.repeat(10_241) }],
    [
      'payment_method must be one of credit_card, e_wallet, bank_transfer, installment, cod',
      { payment_method: 'gold' },
    ],
    ['expected_total must be an amount of money', { expected_total: 'much' }],
    ['shipping_address must be an object', { shipping_address: [] }],
  ])('is 400 when %s', async (text, members) => {
    const { ada } = await givenBuyer();
    expectProblem(await ada.checkout(members), 400, 'validation_failed', text);
    expect(await ordersOf(ada)).toEqual([]);
  });
});

describe("a checkout's key", () => {
  const REQUIRED = 'idempotency_key is required';
  const checkout = (ada: Shopper, body: unknown, key?: string): Promise<Answer> =>
    ada.send('POST', '/checkout', { body, key });

  it('is required', async () => {
    const { ada } = await givenBuyer();
    for (const body of [{}, undefined, { idempotency_key: null }, { idempotency_key: '' }]) {
      expectProblem(await checkout(ada, body), 400, 'validation_failed', REQUIRED);
    }
    expectProblem(await checkout(ada, {}, ''), 400, 'validation_failed', REQUIRED);
    expect(await ordersOf(ada)).toEqual([]);
  });

  it('may stand in the body, in the header, or in both, and is the same key everywhere', async () => {
    const { ada } = await givenBuyer();
    const first = await checkout(ada, { idempotency_key: 'a-key' });
    expect(first.body.status).toBe('COMPLETED');
    for (const again of [
      await checkout(ada, {}, 'a-key'),
      await checkout(ada, { idempotency_key: null }, 'a-key'),
      await checkout(ada, undefined, 'a-key'),
      await checkout(ada, { idempotency_key: 'a-key' }, 'a-key'),
    ]) {
      expect([again.status, again.body]).toEqual([200, first.body]);
      expect(again.headers['idempotent-replayed']).toBe('true');
    }
    expect(await ordersOf(ada)).toHaveLength(1);
  });

  it('may not be two different ones', async () => {
    const { ada } = await givenBuyer();
    expectProblem(
      await checkout(ada, { idempotency_key: 'a-key' }, 'b-key'),
      400,
      'validation_failed',
      'idempotency_key and Idempotency-Key must be the same',
    );
  });

  it.each<[string, unknown]>([
    ['two words', 'two words'],
    ['256 characters', 'k'.repeat(256)],
    ['a letter beyond ASCII', 'schl\u00fcssel'],
    ['a NUL', 'a\u0000b'],
    ['a number', 5],
    ['true', true],
    ['a list', ['a']],
    ['an object', { a: 1 }],
  ])('may not be %s', async (_, idempotency_key) => {
    const { ada } = await givenBuyer();
    expectProblem(await checkout(ada, { idempotency_key }), 400, 'validation_failed');
    expect(await ordersOf(ada)).toEqual([]);
  });

  it('with a different body is 422', async () => {
    const { ada } = await givenBuyer();
    await ada.checkout({}, 'a-key');
    expectProblem(
      await ada.checkout({ payment_token: 'tok_success' }, 'a-key'),
      422,
      'idempotency_key_reused',
      'this idempotency key was already used with a different body',
    );
  });

  it('of a declined checkout replays it: the card is not charged by asking again', async () => {
    const { ada } = await givenBuyer();
    const first = await ada.checkout({ payment_token: 'tok_declined' }, 'a-key');
    const again = await ada.checkout({ payment_token: 'tok_declined' }, 'a-key');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await ordersOf(ada)).toHaveLength(1);
  });

  it('of another customer is another key', async () => {
    const [first, second] = [await givenBuyer(), await givenBuyer()];
    const [hers, his] = [await first.ada.checkout({}, 'a-key'), await second.ada.checkout({}, 'a-key')];
    expect(his.body.order_id).not.toBe(hers.body.order_id);
    expect(his.headers['idempotent-replayed']).toBeUndefined();
  });
});

describe('cash on delivery', () => {
  const order = async () => {
    const { ada, lamp } = await givenBuyer();
    const answer = await ada.checkout({ payment_method: 'cod' }, 'a-key');
    return { ada, lamp, answer, orderId: answer.body.order_id as string };
  };
  const confirm = async (orderId: string, body?: unknown, key?: string) =>
    (await givenAdminShopper(app, database)).send('POST', `/admin/orders/${orderId}/confirm-payment`, {
      body,
      key,
    });

  it('is COMPLETED at once, with nothing charged, and the cart is empty', async () => {
    const { ada, lamp, answer, orderId } = await order();
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      checkout_id: orderId,
      status: 'COMPLETED',
      order_id: orderId,
      total_price: 25,
      currency: 'USD',
      payment: null,
    });
    expect((await ada.get(orderId)).body).toMatchObject({
      status: 'pending',
      payment_status: 'unpaid',
      payment_method: 'cod',
      reservation: { status: 'active' },
    });
    expect(await sandbox.ledger(orderId)).toEqual({ captures: 0, payments: [] });
    expect(await ada.payments(orderId)).toEqual([]);
    expect(await ada.cart()).toEqual([]);
    expect(await stockOf(database, lamp)).toBe(8);
    const again = await ada.checkout({ payment_method: 'cod' }, 'a-key');
    expect([again.status, again.body]).toEqual([200, answer.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('is not payable by card', async () => {
    const { ada, orderId } = await order();
    expectProblem(await ada.pay(orderId), 409, 'order_not_payable');
    expect(await sandbox.ledger(orderId)).toEqual({ captures: 0, payments: [] });
  });

  it('is paid when an admin has accepted the money, once', async () => {
    const { ada, orderId } = await order();
    const first = await confirm(orderId, { reference: 'receipt 7' });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({
      id: orderId,
      status: 'paid',
      payment_status: 'paid',
      reservation: { status: 'fulfilled' },
      history: [{ status: 'pending' }, { status: 'paid', reason: 'money accepted: receipt 7' }],
    });
    const second = await confirm(orderId, { reference: 'receipt 8' });
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(await ada.payments(orderId)).toMatchObject([
      { attempt: 1, status: 'succeeded', amount: 25, provider: 'manual', provider_payment_id: 'receipt 7' },
    ]);
    expect(await eventsOf(orderId)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
    expect((await ada.get(orderId)).body).toEqual(first.body);
  });

  it('needs no reference, and a repeated key replays the acceptance', async () => {
    const { orderId } = await order();
    const admin = await givenAdminShopper(app, database);
    const accept = () => admin.send('POST', `/admin/orders/${orderId}/confirm-payment`, { key: 'a-key' });
    const [first, again] = [await accept(), await accept()];
    expect(first.body.history[1].reason).toBe('money accepted');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('is not confirmed by the customer, nor by nobody', async () => {
    const { ada, orderId } = await order();
    expectProblem(await ada.send('POST', `/admin/orders/${orderId}/confirm-payment`), 403, 'forbidden');
    expect((await ada.get(orderId)).body.status).toBe('pending');
  });

  it('ends as FAILED when the money has not come in time, and is not confirmed then', async () => {
    const { ada, lamp, orderId } = await order();
    await givenHoldIsOver(database, orderId);
    expectProblem(
      await confirm(orderId),
      409,
      'order_not_payable',
      'an order that is expired cannot be paid',
    );
    await app.app.get(OverdueHolds).sweep();
    expectProblem(
      await confirm(orderId),
      409,
      'order_not_payable',
      'an order that is expired cannot be paid',
    );
    expect((await ada.send('GET', `/checkout/${orderId}`)).body.status).toBe('FAILED');
    expect(await stockOf(database, lamp)).toBe(10);
  });

  it('of an order that nobody has is 404', async () => {
    expectProblem(await confirm(crypto.randomUUID()), 404, 'not_found', 'order not found');
    expectProblem(await confirm('7'), 400, 'validation_failed', 'id must be a UUID');
  });

  it.each<[string, unknown]>([
    ['reference must be between 1 and 200 characters', { reference: '' }],
    ['reference must be between 1 and 200 characters', { reference: 'x'.repeat(201) }],
    ['amount is not a known member', { amount: 1 }],
  ])('is 400, and stays unpaid, when %s', async (text, body) => {
    const { ada, orderId } = await order();
    expectProblem(await confirm(orderId, body), 400, 'validation_failed', text);
    expect((await ada.get(orderId)).body.status).toBe('pending');
  });
});

describe('a bank transfer', () => {
  let admin: Shopper;
  let ada: Shopper;
  beforeAll(async () => {
    admin = await givenAdminShopper(app, database);
    ada = await givenShopper(app);
  });
  const givenOrder = async (payment_method: string): Promise<string> =>
    (await ada.order([{ product_id: await givenProduct(database), quantity: 1 }], { payment_method })).id;
  const confirm = (orderId: string) => admin.send('POST', `/admin/orders/${orderId}/confirm-payment`);

  it('is paid when an admin has accepted the money; a later payment is that very one', async () => {
    const id = await givenOrder('bank_transfer');
    expect((await confirm(id)).body).toMatchObject({ status: 'paid', payment_status: 'paid' });
    const answer = await ada.pay(id);
    expect([answer.status, answer.body.provider]).toEqual([200, 'manual']);
    expect(await sandbox.ledger(id)).toMatchObject({ captures: 0 });
  });

  it('is not accepted by hand while it is being paid through the provider, nor after', async () => {
    const id = await givenOrder('bank_transfer');
    const { body } = await ada.pay(id, { payment_token: 'tok_pending' });
    expectProblem(await confirm(id), 409, 'order_not_payable');
    await sandbox.decide(body.confirmation_url, 'approve');
    await recover();
    expectProblem(await confirm(id), 409, 'order_not_payable');
    expect(await ada.payments(id)).toMatchObject([{ status: 'succeeded', provider: 'sandbox' }]);
  });

  it('is accepted by hand after the provider has declined, as a second attempt', async () => {
    const id = await givenOrder('bank_transfer');
    await ada.pay(id, { payment_token: 'tok_declined' });
    expect((await confirm(id)).body.status).toBe('paid');
    expect(await ada.payments(id)).toMatchObject([
      { attempt: 1, status: 'failed', provider: 'sandbox' },
      { attempt: 2, status: 'succeeded', provider: 'manual', idempotency_key: `order-${id}-payment-2` },
    ]);
  });

  it('is the only one besides cash: a card payment is not accepted by hand', async () => {
    expectProblem(
      await confirm(await givenOrder('credit_card')),
      409,
      'order_not_payable',
      'an order that is to be charged by the provider cannot be paid',
    );
  });

  it('of a cancelled order is not accepted', async () => {
    const id = await givenOrder('bank_transfer');
    await ada.cancel(id);
    expectProblem(await confirm(id), 409, 'order_not_payable', 'an order that is cancelled cannot be paid');
  });
});
