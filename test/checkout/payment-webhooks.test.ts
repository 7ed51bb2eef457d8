import { randomUUID } from 'node:crypto';
import { PaymentNotifications } from '../../src/payment/payment-notifications.service.js';
import { times } from '../support/barrier.js';
import { actsAndDropsTheConnection, dropsTheConnection, fine, says } from '../support/given-provider.js';
import {
  type Answer,
  call,
  countOf,
  expectProblem,
  givenHoldIsOver,
  stockOf,
} from '../support/given-shop.js';
import { type Sale, Till } from './till.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const PATH = '/payments/webhooks/yookassa';
const TAKEN = { received: true };

const post = (body: unknown, headers: Record<string, string> = {}, app = till.one): Promise<Answer> =>
  call(app, null, 'POST', PATH, { body, headers });

/** As the provider tells it. It could be anybody. */
const notification = (event: string, object: object) => ({ type: 'notification', event, object });

/** The id that the provider has given to the payment of an order. */
const idOf = async (orderId: string): Promise<string> =>
  (await till.provider.ledger(orderId)).payments[0]?.id as string;

const tell = async (event: string, orderId: string, app = till.one) =>
  post(notification(event, { id: await idOf(orderId) }), {}, app);

const notedOf = async (orderId: string): Promise<string[]> => {
  const text = 'SELECT event_id FROM payment_notifications WHERE order_id = $1';
  return (await till.database.sql(text, [orderId])).map(({ event_id }) => event_id);
};

describe("a provider's notification", () => {
  it('of a payment that was confirmed makes its order paid, before any recovery', async () => {
    const sale = await till.checkoutAtThePage({ quantity: 2 });
    await till.provider.decide(sale.page, 'approve');
    const answer = await tell('payment.succeeded', sale.id);
    expect([answer.status, answer.body]).toEqual([200, TAKEN]);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'paid', payment_status: 'paid' });
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'succeeded' }]);
    expect(await sale.ada.cart()).toEqual([]);
    expect(await notedOf(sale.id)).toEqual([`payment ${await idOf(sale.id)} succeeded`]);
    expect(till.provider.posts('/payments')).toHaveLength(1);
  });

  it('of a payment that was declined ends the checkout', async () => {
    const sale = await till.checkoutAtThePage();
    await till.provider.decide(sale.page, 'decline');
    expect((await tell('payment.canceled', sale.id)).status).toBe(200);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'failed', payment_status: 'failed' });
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });

  it('that is forged changes nothing, and does not make the true one be ignored', async () => {
    const sale = await till.orderAtThePage();
    const before = await till.orderOf(sale);
    for (const event of ['payment.succeeded', 'payment.canceled', 'payment.waiting_for_capture']) {
      const forged = notification(event, {
        id: await idOf(sale.id),
        status: 'succeeded',
        paid: true,
        amount: { value: '10.00', currency: 'USD' },
        metadata: { order_id: sale.id },
      });
      expect((await post(forged)).body).toEqual(TAKEN);
    }
    expect(await till.orderOf(sale)).toEqual(before);
    expect(await notedOf(sale.id)).toEqual([]);
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.succeeded', sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
  });

  it('that names one event and means another is believed in nothing but where to look', async () => {
    const sale = await till.orderAtThePage();
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.canceled', sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
  });

  it('twice is 200 and has one effect; the second is not even looked into', async () => {
    const sale = await till.orderAtThePage();
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.succeeded', sale.id);
    const told = await till.told(sale.id);
    for (let again = 0; again < 3; again++) {
      expect((await tell('payment.succeeded', sale.id, till.other)).body).toEqual(TAKEN);
    }
    expect(await till.told(sale.id)).toEqual(told);
    expect(await notedOf(sale.id)).toHaveLength(1);
    expect(told).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
  });

  it('twenty times at once is twenty times 200 and one effect', async () => {
    const sale = await till.checkoutAtThePage({ quantity: 3 });
    await sale.ada.add(sale.product_id, 2);
    await till.provider.decide(sale.page, 'approve');
    const answers = await times(20, (index) =>
      tell('payment.succeeded', sale.id, index % 2 ? till.one : till.other),
    );
    expect(countOf(answers, 200)).toBe(20);
    expect(await till.told(sale.id)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
    expect(await notedOf(sale.id)).toHaveLength(1);
    expect(await sale.ada.cart()).toEqual([{ product_id: sale.product_id, quantity: 2 }]);
    expect(await stockOf(till.database, sale.product_id)).toBe(7);
  });

  it.each([
    ['was lost', actsAndDropsTheConnection, 'tok_success'],
    ['was an error', fine, 'tok_error'],
  ])(
    'is taken when our own answer %s, and we have no name for the payment',
    async (_, mood, payment_token) => {
      const sale = await till.order();
      till.provider.mood = mood;
      const { body } = await sale.ada.pay(sale.id, { payment_token });
      expect(body).toMatchObject({ status: 'unknown', provider_payment_id: null });
      till.provider.mood = fine;
      expect((await tell('payment.succeeded', sale.id)).body).toEqual(TAKEN);
      expect(await till.orderOf(sale)).toMatchObject({ status: 'paid' });
      expect(await sale.ada.payments(sale.id)).toMatchObject([
        { status: 'succeeded', provider_payment_id: await idOf(sale.id) },
      ]);
      expect(till.provider.posts('/payments')).toHaveLength(1);
    },
  );

  it('that comes while our own call still waits settles it once', async () => {
    const sale = await till.order();
    let settled: unknown;
    till.provider.mood = async (asked, forward, response) => {
      const answer = await forward();
      const text = await answer.text();
      if (asked.method === 'POST') settled = await tell('payment.succeeded', sale.id, till.other);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    };
    const answer = await sale.ada.pay(sale.id);
    expect(settled).toMatchObject({ status: 200 });
    expect([answer.status, answer.body.status]).toEqual([201, 'succeeded']);
    expect(await till.told(sale.id)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
  });

  it('of an older state than what we know changes nothing', async () => {
    const sale = await till.orderAtThePage();
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.succeeded', sale.id);
    const before = await till.orderOf(sale);
    expect((await tell('payment.waiting_for_capture', sale.id)).body).toEqual(TAKEN);
    expect(await till.orderOf(sale)).toEqual(before);
  });

  it('of money for an order that has expired revives it', async () => {
    const sale = await till.orderAtThePage();
    await till.expire(sale.id);
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.succeeded', sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
  });

  it('of money for an order that is overdue finds its goods still there', async () => {
    const sale = await till.orderAtThePage();
    await givenHoldIsOver(till.database, sale.id);
    await till.provider.decide(sale.page, 'approve');
    await tell('payment.succeeded', sale.id);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'paid', reservation: { status: 'fulfilled' } });
  });

  it('of money for an order that was cancelled gives it back once, told as often as you like', async () => {
    const sale = await till.orderAtThePage();
    await sale.ada.cancel(sale.id);
    await till.provider.decide(sale.page, 'approve');
    await times(5, (index) => tell('payment.succeeded', sale.id, index % 2 ? till.one : till.other));
    await till.settle(sale.id);
    await tell('payment.succeeded', sale.id);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1, refunded: 10 });
    expect(await till.refunds(sale.id)).toHaveLength(1);
  });
});

describe('a notification of a refund', () => {
  async function givenPendingRefund(): Promise<{ sale: Sale; refundId: string }> {
    const sale = await till.paidOrder();
    till.provider.mood = async (_, forward, response) => {
      const refund = (await (await forward()).json()) as { status: string };
      response.writeHead(200).end(JSON.stringify({ ...refund, status: 'pending' }));
    };
    const { body } = await till.refund(sale.id);
    till.provider.mood = fine;
    return { sale, refundId: body.refund.provider_refund_id };
  }

  it('settles it once, after it was read back', async () => {
    const { sale, refundId } = await givenPendingRefund();
    const body = notification('refund.succeeded', { id: refundId });
    const answers = await times(10, (index) => post(body, {}, index % 2 ? till.one : till.other));
    expect(countOf(answers, 200)).toBe(10);
    expect(await till.orderOf(sale)).toMatchObject({ payment_status: 'refunded' });
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded' }]);
    const told = await till.told(sale.id);
    expect(told.filter((type) => type.endsWith('.refunded'))).toEqual(['order.refunded', 'payment.refunded']);
    expect(await notedOf(sale.id)).toEqual([`refund ${refundId} succeeded`]);
  });

  it('that we do not know by its name yet changes nothing; whoever recovers will', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = actsAndDropsTheConnection;
    await till.refund(sale.id);
    till.provider.mood = fine;
    expect((await post(notification('refund.succeeded', { id: randomUUID() }))).body).toEqual(TAKEN);
    expect((await till.orderOf(sale)).payment_status).toBe('paid');
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).payment_status).toBe('refunded');
  });
});

describe('what is of no concern to us', () => {
  it.each<[string, object]>([
    ['an event that we do not know', notification('deal.closed', { id: 'x' })],
    ['an event without an object that has an id', notification('payout.succeeded', {})],
    ['a payment that nobody knows', notification('payment.succeeded', { id: randomUUID() })],
    ['a refund that nobody knows', notification('refund.succeeded', { id: randomUUID() })],
    ['members that we do not know', { ...notification('a.b', { id: 'x', more: [1] }), more: { deep: true } }],
  ])('is 200 and nothing more: %s', async (_, body) => {
    const answer = await post(body);
    expect([answer.status, answer.body]).toEqual([200, TAKEN]);
    expect(till.provider.posts()).toEqual([]);
  });

  it('is a payment of the same account that is not for an order of ours', async () => {
    const sale = await till.orderAtThePage();
    till.provider.mood = async (asked, forward, response) => {
      const payment = (await (await forward()).json()) as Record<string, unknown>;
      const metadata = { order_id: randomUUID(), idempotency_key: 'a-key-of-others' };
      const body = asked.method === 'GET' ? { ...payment, id: payment.id, metadata } : payment;
      response.writeHead(200).end(JSON.stringify({ ...body, status: 'succeeded', paid: true }));
    };
    expect((await tell('payment.succeeded', sale.id)).body).toEqual(TAKEN);
    expect((await till.orderOf(sale)).status).toBe('pending');
    expect(await notedOf(sale.id)).toEqual([]);
  });

  it('is a payment of another amount than we asked for', async () => {
    const sale = await till.orderAtThePage();
    till.provider.mood = async (_, forward, response) => {
      const payment = (await (await forward()).json()) as Record<string, unknown>;
      const amount = { value: '0.01', currency: 'USD' };
      response.writeHead(200).end(JSON.stringify({ ...payment, amount, status: 'succeeded', paid: true }));
    };
    expect((await tell('payment.succeeded', sale.id)).body).toEqual(TAKEN);
    expect((await till.orderOf(sale)).status).toBe('pending');
  });
});

describe('a notification that cannot be read', () => {
  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{"type":'],
    ['another thing', '[]'],
    ['an object without an event', '{"type":"notification","object":{"id":"x"}}'],
    ['another type', '{"type":"payment","event":"payment.succeeded","object":{"id":"x"}}'],
    ['an event without an id', '{"type":"notification","event":"payment.succeeded","object":{}}'],
    [
      'an id that is an address',
      '{"type":"notification","event":"payment.succeeded","object":{"id":"../x"}}',
    ],
  ])('is 400: %s', async (_, body) => {
    expectProblem(await post(body), 400, 'notification_refused');
    expect(till.provider.asked).toEqual([]);
  });

  it('is 415 in another content type, and 413 when it is too big', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml'])
      expectProblem(await post('{}', { 'Content-Type': type }), 415, 'unsupported_media_type');
    const big = notification('payment.succeeded', { id: 'x', more: 'x'.repeat(1_100_000) });
    expectProblem(await post(big), 413, 'body_too_large');
  });
});

describe('a provider that cannot be asked', () => {
  it.each([
    ['drops the connection', dropsTheConnection],
    ['answers 500', says(500, '{"type":"error","code":"internal_server_error"}')],
  ])('and %s makes it 503 with Retry-After, and nothing is noted', async (_, mood) => {
    const sale = await till.orderAtThePage();
    await till.provider.decide(sale.page, 'approve');
    till.provider.mood = mood;
    const answer = await tell('payment.succeeded', sale.id);
    expectProblem(answer, 503, 'provider_unavailable');
    expect(answer.headers['retry-after']).toBe('5');
    expect(await notedOf(sale.id)).toEqual([]);
    till.provider.mood = fine;
    expect((await tell('payment.succeeded', sale.id)).body).toEqual(TAKEN);
    expect((await till.orderOf(sale)).status).toBe('paid');
  });
});

describe('the address', () => {
  it('needs nobody to be logged in, and no key', async () => {
    const body = notification('a.b', { id: 'x' });
    for (const headers of [
      {},
      { 'Idempotency-Key': 'a-key' },
      { Authorization: 'Basic c2hvcDpzZWNyZXQ=' },
    ] as Record<string, string>[]) {
      expect([headers, (await post(body, headers)).status]).toEqual([headers, 200]);
    }
  });

  it('of a provider that is not configured is 404', async () => {
    const answer = await call(till.one, null, 'POST', '/payments/webhooks/stripe', { body: { id: 'evt_1' } });
    expectProblem(answer, 404, 'not_found', 'stripe is not configured');
    expectProblem(
      await call(till.one, null, 'POST', '/payments/webhooks/other', { body: {} }),
      404,
      'not_found',
    );
  });
});

describe('what was noted', () => {
  it('is removed when no provider will tell it again', async () => {
    const [old, young] = [await till.orderAtThePage(), await till.orderAtThePage()];
    for (const { id, page } of [old, young]) {
      await till.provider.decide(page, 'approve');
      await tell('payment.succeeded', id);
    }
    await till.database.sql(
      `UPDATE payment_notifications SET received_at = now() - interval '91 days' WHERE order_id = $1`,
      [old.id],
    );
    await till.one.app.get(PaymentNotifications).removeOld();
    expect([await notedOf(old.id), (await notedOf(young.id)).length]).toEqual([[], 1]);
    // And is settled as it was, even when it is told once more.
    expect((await tell('payment.succeeded', old.id)).body).toEqual(TAKEN);
    expect(await till.told(old.id)).toEqual(['order.paid', 'order.placed', 'payment.succeeded']);
  });
});
