import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  call,
  expectProblem,
  type GivenSandbox,
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
let ada: Shopper;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  // Nothing is recovered before a test says so.
  const settings = { ...sandbox.settings, PAYMENT_RECOVERY_SECONDS: '3600' };
  [app, hasty] = await Promise.all([
    bootApp(database, settings),
    bootApp(database, { ...settings, PAYMENT_TIMEOUT_MS: '300' }),
  ]);
  ada = await givenShopper(app);
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await Promise.all([app.close(), hasty.close()]);
  await sandbox.close();
  await database.drop();
});

const recover = () => app.app.get(RecoveryService).recover();

async function givenOrder(members: object = {}): Promise<{ id: string; product_id: number }> {
  const product_id = await givenProduct(database, { price: 29.99, stock: 5 });
  const { id } = await ada.order([{ product_id, quantity: 2 }], members);
  return { id, product_id };
}

const keysOf = async (orderId: string) =>
  (await sandbox.ledger(orderId)).payments.map(({ idempotence_key }) => idempotence_key);

describe('paying an order', () => {
  it('is 201 with the payment, and the order is paid', async () => {
    const { id, product_id } = await givenOrder();
    const answer = await ada.pay(id);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(UUID),
      order_id: id,
      attempt: 1,
      status: 'succeeded',
      amount: 59.98,
      refunded_amount: 0,
      currency: 'USD',
      provider: 'sandbox',
      provider_payment_id: expect.any(String),
      idempotency_key: `order-${id}-payment`,
      confirmation_url: null,
      failure_code: null,
      failure_reason: null,
      created_at: expect.stringMatching(TIME),
      settled_at: expect.stringMatching(TIME),
    });
    expect((await ada.get(id)).body).toMatchObject({
      status: 'paid',
      payment_status: 'paid',
      reservation: { status: 'fulfilled' },
      history: [{ status: 'pending' }, { status: 'paid' }],
    });
    expect((await ada.send('GET', `/payments/${answer.body.id}`)).body).toEqual(answer.body);
    expect((await ada.send('GET', `/orders/${id}/payments`)).body).toEqual({
      payments: [answer.body],
      next_cursor: null,
    });
    expect(await sandbox.ledger(id)).toMatchObject({
      captures: 1,
      payments: [
        {
          id: answer.body.provider_payment_id,
          idempotence_key: `order-${id}-payment`,
          captured: { value: '59.98', currency: 'USD' },
        },
      ],
    });
    expect(await stockOf(database, product_id)).toBe(3);
  });

  it('again is 200 with that very payment, whatever the token', async () => {
    const { id } = await givenOrder();
    const first = await ada.pay(id);
    const again = await ada.pay(id, { payment_token: 'tok_declined' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await sandbox.ledger(id)).toMatchObject({ captures: 1 });
  });

  it('leaves the cart alone', async () => {
    const { id, product_id } = await givenOrder();
    await ada.add(product_id, 1);
    await ada.pay(id);
    expect(await ada.cart()).toEqual([{ product_id, quantity: 1 }]);
    await ada.send('DELETE', '/cart');
  });
});

describe('a payment that is declined', () => {
  it('leaves the order pending, its goods held, and payable again under the next key', async () => {
    const { id, product_id } = await givenOrder();
    const declined = await ada.pay(id, { payment_token: 'tok_insufficient_funds' });
    expect(declined.status).toBe(201);
    expect(declined.body).toMatchObject({
      attempt: 1,
      status: 'failed',
      failure_code: 'insufficient_funds',
      failure_reason: expect.stringMatching(/./),
      settled_at: expect.stringMatching(TIME),
    });
    expect((await ada.get(id)).body).toMatchObject({
      status: 'pending',
      payment_status: 'failed',
      reservation: { status: 'active' },
      history: [{ status: 'pending' }],
    });
    expect(await stockOf(database, product_id)).toBe(3);

    const paid = await ada.pay(id);
    expect(paid.status).toBe(201);
    expect(paid.body).toMatchObject({
      attempt: 2,
      status: 'succeeded',
      idempotency_key: `order-${id}-payment-2`,
    });
    expect((await ada.get(id)).body).toMatchObject({ status: 'paid', payment_status: 'paid' });
    expect(await ada.payments(id)).toEqual([declined.body, paid.body]);
    expect(await keysOf(id)).toEqual([`order-${id}-payment`, `order-${id}-payment-2`]);
    expect(await sandbox.ledger(id)).toMatchObject({ captures: 1 });
  });

  it('counts on with every decline', async () => {
    const { id } = await givenOrder();
    for (const attempt of [1, 2, 3]) {
      expect((await ada.pay(id, { payment_token: 'tok_declined' })).body).toMatchObject({
        attempt,
        status: 'failed',
      });
    }
    expect((await ada.pay(id)).body.idempotency_key).toBe(`order-${id}-payment-4`);
  });

  it('leaves an order that can be cancelled, or that expires', async () => {
    const [cancelled, expired] = [await givenOrder(), await givenOrder()];
    for (const { id } of [cancelled, expired]) await ada.pay(id, { payment_token: 'tok_declined' });
    expect((await ada.cancel(cancelled.id)).body.status).toBe('cancelled');
    await givenHoldIsOver(database, expired.id);
    expect(await app.app.get(OverdueHolds).sweep()).toBe(1);
    expect(await stockOf(database, expired.product_id)).toBe(5);
  });
});

describe('a payment that needs the customer', () => {
  it('is 202 with the page to go to, which leads back to the address that was given', async () => {
    const { id } = await givenOrder();
    const answer = await ada.pay(id, {
      payment_token: 'tok_pending',
      return_url: 'https://shop.example/thanks',
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      status: 'pending',
      confirmation_url: expect.stringMatching(/^http/),
      settled_at: null,
    });
    const { headers } = await fetch(answer.body.confirmation_url, {
      method: 'POST',
      body: new URLSearchParams({ decision: 'approve' }),
      redirect: 'manual',
    });
    expect(headers.get('location')).toBe('https://shop.example/thanks');
    await recover();
    const [payment] = await ada.payments(id);
    expect(payment).toMatchObject({ id: answer.body.id, status: 'succeeded', confirmation_url: null });
    expect((await ada.get(id)).body.status).toBe('paid');
  });

  it('is live: another try is 200 with that very payment', async () => {
    const { id } = await givenOrder();
    const first = await ada.pay(id, { payment_token: 'tok_pending' });
    const again = await ada.pay(id);
    expect([again.status, again.body]).toEqual([200, first.body]);
    await sandbox.decide(first.body.confirmation_url, 'decline');
    await recover();
    expect((await ada.get(id)).body).toMatchObject({ status: 'pending', payment_status: 'failed' });
    expect((await ada.pay(id)).body).toMatchObject({ attempt: 2, status: 'succeeded' });
  });

  it('may take longer than the hold: the goods stay held while it is live', async () => {
    const { id, product_id } = await givenOrder();
    const { body } = await ada.pay(id, { payment_token: 'tok_pending' });
    await givenHoldIsOver(database, id);
    expect(await app.app.get(OverdueHolds).sweep()).toBe(0);
    await sandbox.decide(body.confirmation_url, 'approve');
    await recover();
    expect((await ada.get(id)).body.status).toBe('paid');
    expect(await stockOf(database, product_id)).toBe(3);
  });
});

describe('a payment without an answer', () => {
  it.each(['tok_timeout', 'tok_error'])(
    'with %s is 202 unknown, then succeeded, charged once',
    async (token) => {
      const { id } = await givenOrder();
      const answer = await ada.at(hasty).pay(id, { payment_token: token });
      expect([answer.status, answer.body.status]).toEqual([202, 'unknown']);
      const again = await ada.at(hasty).pay(id);
      expect([again.status, again.body]).toEqual([200, answer.body]);
      expect((await ada.get(id)).body).toMatchObject({ status: 'pending', payment_status: 'processing' });
      await recover();
      expect((await ada.pay(id)).body).toMatchObject({ id: answer.body.id, attempt: 1, status: 'succeeded' });
      expect(await sandbox.ledger(id)).toMatchObject({ captures: 1 });
      expect(await keysOf(id)).toEqual([`order-${id}-payment`]);
    },
  );
});

describe('an order that cannot be paid', () => {
  it('was cancelled', async () => {
    const { id } = await givenOrder();
    await ada.cancel(id);
    expectProblem(await ada.pay(id), 409, 'order_not_payable', 'an order that is cancelled cannot be paid');
    expect(await keysOf(id)).toEqual([]);
  });

  it('has expired', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    await app.app.get(OverdueHolds).sweep();
    expectProblem(await ada.pay(id), 409, 'order_not_payable', 'an order that is expired cannot be paid');
  });

  it('is past its time, though nobody has ended it yet', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    const answer = await ada.pay(id, {}, 'a-key');
    expectProblem(answer, 409, 'order_not_payable', 'an order that is expired cannot be paid');
    expect(await ada.payments(id)).toEqual([]);
    expect(await keysOf(id)).toEqual([]);
    await app.app.get(OverdueHolds).sweep();
  });

  it('is paid in cash', async () => {
    const { id } = await givenOrder({ payment_method: 'cod' });
    expectProblem(await ada.pay(id), 409, 'order_not_payable');
    expect(await ada.payments(id)).toEqual([]);
  });
});

describe('what a payment is asked with', () => {
  it.each<[string, unknown]>([
    ['amount is not a known member', { amount: 1 }],
    ['status is not a known member', { status: 'succeeded' }],
    ['payment_token must be between 1 and 10240 characters', { payment_token: '' }],
    ['payment_token must be between 1 and 10240 characters', { payment_token: 5 }],
    ['payment_token must not have control characters', { payment_token: 'a\u0000b' }],
    ['return_url must be an http(s) address', { return_url: 'javascript:alert(1)' }],
    ['return_url must be an http(s) address', { return_url: '/thanks' }],
    ['return_url must be an http(s) address', { return_url: 5 }],
    ['return_url must be an http(s) address', { return_url: `https://shop.example/${'x'.repeat(2_000)}` }],
    ['the body must be a JSON object', []],
  ])('is 400 when %s', async (text, body) => {
    const { id } = await givenOrder();
    const answer = await ada.send('POST', `/orders/${id}/payments`, { body });
    expectProblem(answer, 400, 'validation_failed', text);
    expect(await ada.payments(id)).toEqual([]);
  });

  it('may be nothing at all, or null', async () => {
    for (const body of [undefined, {}, { payment_token: null, return_url: null }]) {
      const { id } = await givenOrder();
      expect((await ada.send('POST', `/orders/${id}/payments`, { body })).status).toBe(201);
    }
  });
});

describe('the attempts to pay an order', () => {
  it('are listed oldest first, page by page, and counted', async () => {
    const { id } = await givenOrder();
    for (const payment_token of ['tok_declined', 'tok_declined', 'tok_success'])
      await ada.pay(id, { payment_token });
    const page = async (query: string) => (await ada.send('GET', `/orders/${id}/payments?${query}`)).body;
    const first = await page('limit=2&count=true');
    expect(first.payments.map(({ attempt }: { attempt: number }) => attempt)).toEqual([1, 2]);
    expect(first.total).toBe(3);
    const last = await page(`limit=2&cursor=${first.next_cursor}`);
    expect(last).toEqual({
      payments: [expect.objectContaining({ attempt: 3, status: 'succeeded' })],
      next_cursor: null,
    });
  });

  it.each(['limit=0', 'limit=101', 'limit=x', 'cursor=abc', 'count=maybe', 'sort=attempt'])(
    'are not listed by %s',
    async (query) => {
      const { id } = await givenOrder();
      expectProblem(await ada.send('GET', `/orders/${id}/payments?${query}`), 400, 'validation_failed');
    },
  );
});

describe("a payment's key", () => {
  it('replays the first answer', async () => {
    const { id } = await givenOrder();
    const first = await ada.pay(id, {}, 'a-key');
    const again = await ada.pay(id, {}, 'a-key');
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(await ada.pay(id, { payment_token: 'other' }, 'a-key'), 422, 'idempotency_key_reused');
  });

  it('replays a decline without trying the card again; another key tries it', async () => {
    const { id } = await givenOrder();
    const pay = (key: string) => ada.pay(id, { payment_token: 'tok_declined' }, key);
    const first = await pay('a-key');
    expect(await pay('a-key')).toMatchObject({ status: 201, body: first.body });
    expect(await ada.payments(id)).toHaveLength(1);
    expect((await pay('b-key')).body.attempt).toBe(2);
  });

  it('of a second try is answered with the standing payment, and replays that', async () => {
    const { id } = await givenOrder();
    await ada.pay(id, {}, 'a-key');
    const second = await ada.pay(id, {}, 'b-key');
    const again = await ada.pay(id, {}, 'b-key');
    expect([second.status, again.status, again.body]).toEqual([200, 200, second.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('is free after a refusal', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    expect((await ada.pay(id, {}, 'a-key')).status).toBe(409);
    await database.sql(`UPDATE reservations SET expires_at = now() + interval '1 hour' WHERE order_id = $1`, [
      id,
    ]);
    const answer = await ada.pay(id, {}, 'a-key');
    expect([answer.status, answer.headers['idempotent-replayed']]).toEqual([201, undefined]);
  });
});

describe("somebody else's payment", () => {
  it('is 404, as one that nobody has', async () => {
    const { id } = await givenOrder();
    const { body } = await ada.pay(id);
    const bob = await givenShopper(app);
    for (const paymentId of [body.id, crypto.randomUUID()]) {
      const answer = await bob.send('GET', `/payments/${paymentId}`);
      expectProblem(answer, 404, 'not_found', 'payment not found');
    }
    expectProblem(await call(app, null, 'GET', `/payments/${body.id}`), 401, 'unauthenticated');
    expectProblem(await bob.send('GET', '/payments/7'), 400, 'validation_failed', 'id must be a UUID');
  });
});
