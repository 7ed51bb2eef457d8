import { RefundingService } from '../../src/checkout/refunding.service.js';
import { PaymentGateways } from '../../src/payment/gateway/payment-gateways.js';
import type { Refund } from '../../src/payment/payment.types.js';
import { RefundService } from '../../src/payment/refund.service.js';
import { meeting, times, until } from '../support/barrier.js';
import { bootApp } from '../support/boot.js';
import {
  actsAndDropsTheConnection,
  dropsTheConnection,
  fine,
  type Mood,
  refuses,
  says,
} from '../support/given-provider.js';
import { expectProblem, givenShopper, stockOf } from '../support/given-shop.js';
import { Till } from './till.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const keyOf = (id: string, number = 1) => `order-${id}-refund-${number}`;

/** The keys under which money was given back. */
const keysAsked = (): unknown[] =>
  till.provider.posts('/refunds').map(({ headers }) => headers['idempotence-key']);

describe('a refund', () => {
  it('without an amount gives back all that was paid, and moves no goods', async () => {
    const sale = await till.paidOrder({ price: 12.5, quantity: 2, stock: 10 });
    const answer = await till.refund(sale.id);
    expect(answer.status).toBe(200);
    const { refund, ...order } = answer.body;
    expect(refund).toEqual({
      id: expect.any(String),
      order_id: sale.id,
      payment_id: (await sale.ada.payments(sale.id))[0].id,
      status: 'succeeded',
      amount: 25,
      currency: 'USD',
      reason: 'arrived broken',
      cause: 'admin',
      provider: 'sandbox',
      provider_refund_id: expect.any(String),
      idempotency_key: keyOf(sale.id),
      failure_code: null,
      failure_reason: null,
      created_at: expect.any(String),
      settled_at: expect.any(String),
    });
    expect(order).toEqual(await till.orderOf(sale));
    expect(order).toMatchObject({ status: 'paid', payment_status: 'refunded', total_price: 25 });
    expect(order.history.at(-1)).toMatchObject({
      status: 'paid',
      reason: 'refunded 25.00 USD: arrived broken',
    });
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'succeeded', refunded_amount: 25 }]);
    expect(await till.refunds(sale.id)).toEqual([refund]);
    expect(keysAsked()).toEqual([keyOf(sale.id)]);
    expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 25, refunded: 25 });
    expect(await stockOf(till.database, sale.product_id)).toBe(8);
  });

  it('of a part leaves the rest, and several give back all of it, each under a key of its own', async () => {
    const sale = await till.paidOrder({ price: 10 });
    const standing: [string, number][] = [];
    for (const amount of [0.01, 3.33, 6.66]) {
      const { status, body } = await till.refund(sale.id, { amount });
      expect([status, body.refund.amount]).toEqual([200, amount]);
      const [payment] = await sale.ada.payments(sale.id);
      standing.push([body.payment_status, payment.refunded_amount]);
    }
    expect(standing).toEqual([
      ['partially_refunded', 0.01],
      ['partially_refunded', 3.34],
      ['refunded', 10],
    ]);
    expect(keysAsked()).toEqual([1, 2, 3].map((number) => keyOf(sale.id, number)));
    expect((await till.refunds(sale.id)).map(({ amount }) => amount)).toEqual([0.01, 3.33, 6.66]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
    const text = 'nothing is left to refund';
    expectProblem(await till.refund(sale.id, { amount: 0.01 }), 409, 'refund_too_large', text);
    expectProblem(await till.refund(sale.id), 409, 'refund_too_large', text);
    expect(await till.told(sale.id)).toEqual([
      'order.paid',
      'order.placed',
      ...['order.refunded', 'order.refunded', 'order.refunded'],
      ...['payment.refunded', 'payment.refunded', 'payment.refunded'],
      'payment.succeeded',
    ]);
  });

  it('is told with its amounts in major units', async () => {
    const sale = await till.paidOrder({ price: 10 });
    await till.refund(sale.id, { amount: 2.5 });
    const { body } = await till.refund(sale.id, { amount: 1.25, reason: 'a scratch' });
    const events = await till.database.sql(
      `SELECT type, data FROM events WHERE type LIKE '%.refunded' AND data->>'order_id' = $1 ORDER BY id DESC LIMIT 2`,
      [sale.id],
    );
    expect(Object.fromEntries(events.map(({ type, data }) => [type, data]))).toEqual({
      'payment.refunded': {
        refund_id: body.refund.id,
        payment_id: body.refund.payment_id,
        order_id: sale.id,
        amount: 1.25,
        refunded_amount: 3.75,
        currency: 'USD',
        provider: 'sandbox',
        reason: 'a scratch',
      },
      'order.refunded': {
        order_id: sale.id,
        user_id: sale.ada.id,
        total_price: 10,
        amount: 1.25,
        currency: 'USD',
        reason: 'a scratch',
      },
    });
  });

  it('of more than is left is 409 with what could be, and changes nothing', async () => {
    const sale = await till.paidOrder({ price: 10 });
    await till.refund(sale.id, { amount: 4 });
    const before = await till.orderOf(sale);
    const answer = await till.refund(sale.id, { amount: 6.01 });
    expectProblem(
      answer,
      409,
      'refund_too_large',
      'a refund of 6.01 is more than the 6 that can be refunded',
    );
    expect(answer.body).toMatchObject({ requested: 6.01, refundable: 6 });
    expect(await till.orderOf(sale)).toEqual(before);
    expect(await till.refunds(sale.id)).toHaveLength(1);
    expect(keysAsked()).toHaveLength(1);
    expect((await till.refund(sale.id, { amount: 6 })).status).toBe(200);
  });

  it.each<[string, object]>([
    ['amount must be exact to 2 decimals', { amount: 0.001 }],
    ['amount must be exact to 2 decimals', { amount: 1.999 }],
    ['amount must be a positive amount of money', { amount: 0 }],
    ['amount must be a positive amount of money', { amount: -1 }],
    ['amount must be a positive amount of money', { amount: 1e14 }],
    ['amount must be a positive amount of money', { amount: '1' }],
    ['reason must be between 1 and 500 characters', { reason: undefined }],
    ['reason must be between 1 and 500 characters', { reason: '' }],
    ['reason must not have control characters', { reason: 'a\u0007b' }],
    ['cause is not a known member', { cause: 'late' }],
  ])('is 400 %s, and nothing goes back', async (text, members) => {
    const sale = await till.paidOrder();
    expectProblem(await till.refund(sale.id, members), 400, 'validation_failed', text);
    expect(await till.refunds(sale.id)).toEqual([]);
    expect(keysAsked()).toEqual([]);
  });

  it('of what was never paid, is being paid or was declined is 409', async () => {
    const unpaid = await till.order();
    const waiting = await till.orderAtThePage();
    const declined = await till.order();
    await declined.ada.pay(declined.id, { payment_token: 'tok_declined' });
    for (const { id } of [unpaid, waiting, declined]) {
      expectProblem(
        await till.refund(id, { amount: 1 }),
        409,
        'refund_too_large',
        'nothing is left to refund',
      );
    }
    expect(keysAsked()).toEqual([]);
  });

  it('is for admins only, and for orders that there are', async () => {
    const { ada, id } = await till.paidOrder();
    const wish = { body: { reason: 'mine' } };
    expectProblem(await ada.send('POST', `/admin/orders/${id}/refund`, wish), 403, 'forbidden');
    expectProblem(await ada.send('GET', `/admin/orders/${id}/refunds`), 403, 'forbidden');
    const unknown = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
    expectProblem(await till.refund(unknown), 404, 'not_found', 'order not found');
    expectProblem(await till.refund('1'), 400, 'validation_failed');
    const listed = await till.admin.send('GET', `/admin/orders/${unknown}/refunds`);
    expectProblem(listed, 404, 'not_found', 'order not found');
    expect(keysAsked()).toEqual([]);
  });

  it("shows admins the payments that it comes from, of anybody's order", async () => {
    const { ada, id } = await till.paidOrder();
    await till.refund(id, { amount: 3 });
    const { body } = await till.admin.send('GET', `/admin/orders/${id}/payments?count=true`);
    expect(body).toMatchObject({
      payments: [{ order_id: id, refunded_amount: 3 }],
      next_cursor: null,
      total: 1,
    });
    expect(body.payments).toEqual((await ada.send('GET', `/orders/${id}/payments`)).body.payments);
    expectProblem(await ada.send('GET', `/admin/orders/${id}/payments`), 403, 'forbidden');
    const unknown = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
    const listed = await till.admin.send('GET', `/admin/orders/${unknown}/payments`);
    expectProblem(listed, 404, 'not_found', 'order not found');
  });

  it('with a key is made once, and replayed', async () => {
    const { id } = await till.paidOrder();
    const first = await till.refund(id, { amount: 3 }, 'a-key');
    const again = await till.refund(id, { amount: 3 }, 'a-key');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(await till.refund(id, { amount: 4 }, 'a-key'), 422, 'idempotency_key_reused');
    expect(await till.provider.moneyOf(id)).toMatchObject({ refunded: 3 });
    // Without one, a second wish is a second refund.
    await till.refund(id, { amount: 3 });
    expect(await till.provider.moneyOf(id)).toMatchObject({ refunded: 6 });
  });

  it('that is refused leaves its key free', async () => {
    const { id } = await till.paidOrder({ price: 10 });
    expectProblem(await till.refund(id, { amount: 11 }, 'a-key'), 409, 'refund_too_large');
    expect((await till.refund(id, { amount: 1 }, 'a-key')).status).toBe(200);
  });

  it('of money that was taken by hand is made by hand: at once, without the provider', async () => {
    const sale = await till.orderPaidByHand({ price: 10 });
    const part = await till.refund(sale.id, { amount: 4 }, 'a-key');
    expect(part.status).toBe(200);
    expect(part.body).toMatchObject({
      payment_status: 'partially_refunded',
      refund: { status: 'succeeded', amount: 4, provider: 'manual' },
    });
    expect((await till.refund(sale.id, { amount: 4 }, 'a-key')).headers['idempotent-replayed']).toBe('true');
    expect((await till.refund(sale.id)).body).toMatchObject({
      payment_status: 'refunded',
      refund: { amount: 6 },
    });
    expectProblem(await till.refund(sale.id), 409, 'refund_too_large');
    expect(till.provider.asked).toEqual([]);
  });
});

describe('a refund whose outcome the provider does not tell', () => {
  const MOODS: [string, Mood][] = [
    ['dropped the connection', dropsTheConnection],
    ['gave it back and dropped the connection', actsAndDropsTheConnection],
    ['answered 500', says(500, '{"type":"error","code":"internal_server_error"}')],
    ['answered garbage', says(200, 'OK!')],
    ['answered half a refund', says(200, '{"id":"1","status":"succeeded"}')],
  ];

  it.each(MOODS)('because it %s is 202, and is settled once with the same key', async (_, mood) => {
    const sale = await till.paidOrder({ price: 10 });
    till.provider.mood = mood;
    const answer = await till.refund(sale.id, { amount: 4 }, 'a-key');
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({
      status: 'paid',
      payment_status: 'paid',
      refund: { status: 'unknown', amount: 4, settled_at: null, failure_code: null },
    });
    // What is promised cannot be promised again.
    expectProblem(await till.refund(sale.id, { amount: 6.01 }), 409, 'refund_too_large');
    await till.recover();
    expect((await till.refunds(sale.id))[0].status).toBe('unknown');

    till.provider.mood = fine;
    await till.settle(sale.id);
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', amount: 4 }]);
    expect(await till.orderOf(sale)).toMatchObject({ payment_status: 'partially_refunded' });
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 4 });
    const posts = till.provider.posts('/refunds');
    expect(posts.length).toBe(3);
    expect(new Set(keysAsked())).toEqual(new Set([keyOf(sale.id)]));
    expect(new Set(posts.map(({ body }) => body)).size).toBe(1);
    const told = await till.told(sale.id);
    expect(told.filter((type) => type.endsWith('.refunded'))).toEqual(['order.refunded', 'payment.refunded']);
    // The call that was answered 202 stands as it was answered.
    expect((await till.refund(sale.id, { amount: 4 }, 'a-key')).status).toBe(202);
  });

  it('is asked about less and less often', async () => {
    const { id } = await till.paidOrder();
    till.provider.mood = dropsTheConnection;
    await till.refund(id);
    const waits: number[] = [];
    for (let check = 0; check < 4; check++) {
      const [row] = await till.database.sql(
        `SELECT round(extract(epoch FROM next_check_at - now())) AS seconds FROM refunds WHERE order_id = $1`,
        [id],
      );
      waits.push(Math.max(0, Number(row?.seconds)));
      await till.givenIsDue(id);
      await till.recover();
    }
    expect(waits[0]).toBe(0);
    expect(waits.slice(1)).toEqual([60, 60, 60]);
    till.provider.mood = fine;
    await till.settle(id);
  });

  it('is read back, not made again, once the provider has named it', async () => {
    const sale = await till.paidOrder({ price: 10 });
    till.provider.mood = async (_, forward, response) => {
      const refund = (await (await forward()).json()) as { status: string };
      response.writeHead(200).end(JSON.stringify({ ...refund, status: 'pending' }));
    };
    const answer = await till.refund(sale.id);
    expect([answer.status, answer.body.refund.status]).toEqual([202, 'pending']);
    till.provider.mood = fine;
    await till.settle(sale.id);
    expect(till.provider.posts('/refunds')).toHaveLength(1);
    expect((await till.refunds(sale.id))[0]).toMatchObject({
      status: 'succeeded',
      provider_refund_id: answer.body.refund.provider_refund_id,
    });
  });
});

describe('two instances that recover at once', () => {
  it('settle each refund once', async () => {
    const sales = await times(10, () => till.paidOrder());
    till.provider.mood = actsAndDropsTheConnection;
    await Promise.all(sales.map(({ id }) => till.refund(id)));
    till.provider.reset();
    const { one, other } = till;
    const counts = await Promise.all([one, other, one, other].map((app) => till.recover(app)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    for (const { id } of sales) {
      expect(await till.refunds(id)).toMatchObject([{ status: 'succeeded' }]);
      expect(await till.provider.moneyOf(id)).toMatchObject({ refunded: 10 });
    }
  });

  it('settle it once even when both have asked', async () => {
    const { id } = await till.paidOrder();
    till.provider.mood = dropsTheConnection;
    await till.refund(id);
    // Whoever is at it is thought dead: the second asks while the first is still waiting for its answer.
    till.provider.reset();
    const bothHaveAsked = meeting(2);
    till.provider.mood = async (...call) => {
      await bothHaveAsked();
      await fine(...call);
    };
    const first = till.recover(till.one);
    await until('the first has asked', async () => {
      await till.database.sql('SELECT');
      return till.provider.asked.length === 1;
    });
    await till.givenIsDue(id);
    expect(await Promise.all([first, till.recover(till.other)])).toEqual([1, 1]);
    expect(keysAsked()).toEqual([keyOf(id), keyOf(id)]);
    expect(await till.provider.moneyOf(id)).toMatchObject({ refunded: 10 });
    const told = await till.told(id);
    expect(told.filter((type) => type.endsWith('.refunded'))).toEqual(['order.refunded', 'payment.refunded']);
  });
});

describe('a service that dies between its commit and its call', () => {
  /** The refund is noted, and whoever noted it is gone without having asked. */
  async function givenCutOff(id: string, key?: string): Promise<void> {
    const dying = await bootApp(till.database, till.settings, (nest) => {
      nest.get(PaymentGateways).current.refund = async () => {
        throw new Error('the process is gone');
      };
    });
    const wish = { body: { amount: 4, reason: 'arrived broken' }, key };
    const answer = await till.admin.at(dying).send('POST', `/admin/orders/${id}/refund`, wish);
    expectProblem(answer, 500, 'internal_error');
    expect(await till.recover()).toBe(0);
    await dying.close();
  }

  it('leaves a refund that another instance makes', async () => {
    const { id } = await till.paidOrder();
    await givenCutOff(id);
    expect(keysAsked()).toEqual([]);
    expect(await till.refunds(id)).toMatchObject([{ status: 'pending', amount: 4 }]);
    expect(await till.recover(till.other)).toBe(1);
    expect(await till.refunds(id)).toMatchObject([{ status: 'succeeded', amount: 4 }]);
    expect(keysAsked()).toEqual([keyOf(id)]);
  });

  it('leaves a call that its retry takes up, with the same refund', async () => {
    const { id } = await till.paidOrder();
    await givenCutOff(id, 'a-key');
    const [noted] = await till.refunds(id);
    const retry = await till.refund(id, { amount: 4 }, 'a-key');
    expect([retry.status, retry.body.refund.id]).toEqual([200, noted.id]);
    expect(retry.headers['idempotent-replayed']).toBeUndefined();
    expect((await till.refund(id, { amount: 4 }, 'a-key')).headers['idempotent-replayed']).toBe('true');
    expect(await till.provider.moneyOf(id)).toMatchObject({ refunded: 4 });
  });

  it('leaves a call whose retry learns what the recovery has done', async () => {
    const { id } = await till.paidOrder();
    await givenCutOff(id, 'a-key');
    await till.recover();
    const retry = await till.refund(id, { amount: 4 }, 'a-key');
    expect([retry.status, retry.body.refund.status]).toEqual([200, 'succeeded']);
    expect(keysAsked()).toEqual([keyOf(id)]);
  });
});

describe('a refund that the provider refuses', () => {
  it('is failed, for good, and its amount can be wished again', async () => {
    const sale = await till.paidOrder({ price: 10 });
    till.provider.mood = refuses;
    const { status, body } = await till.refund(sale.id);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      payment_status: 'paid',
      refund: {
        status: 'failed',
        amount: 10,
        failure_code: 'invalid_request',
        failure_reason: 'Not enough money for it',
        settled_at: expect.any(String),
      },
    });
    expect(body.history.at(-1)).toMatchObject({
      status: 'paid',
      reason: 'refund refused by the provider: Not enough money for it',
    });
    expect((await till.told(sale.id)).filter((type) => type.endsWith('.refunded'))).toEqual([]);
    till.provider.mood = fine;
    // Nobody but the admin says whether a living order's money goes back.
    await till.database.sql(
      `UPDATE refunds SET settled_at = now() - interval '2 hours' WHERE order_id = $1`,
      [sale.id],
    );
    expect(await till.recover()).toBe(0);
    const again = await till.refund(sale.id);
    expect(again.body.refund).toMatchObject({ status: 'succeeded', idempotency_key: keyOf(sale.id, 2) });
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
  });

  it('in the words of a canceled refund is failed with its reason', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = async (_, __, response) => {
      const [{ provider_payment_id }] = await sale.ada.payments(sale.id);
      const refund = {
        id: crypto.randomUUID(),
        status: 'canceled',
        payment_id: provider_payment_id,
        amount: { value: '10.00', currency: 'USD' },
        cancellation_details: { party: 'yoo_money', reason: 'insufficient_funds' },
      };
      response.writeHead(200).end(JSON.stringify(refund));
    };
    expect((await till.refund(sale.id)).body.refund).toMatchObject({
      status: 'failed',
      failure_code: 'insufficient_funds',
      failure_reason: "There is not enough money on the shop's account for this refund.",
    });
  });
});

describe("the list of an order's refunds", () => {
  it('is empty before there are any, and in the order in which they were made', async () => {
    const sale = await till.paidOrder();
    const path = `/admin/orders/${sale.id}/refunds`;
    expect((await till.admin.send('GET', path)).body).toEqual({ refunds: [], next_cursor: null });
    till.provider.mood = refuses;
    await till.refund(sale.id, { amount: 1 });
    till.provider.mood = fine;
    await till.refund(sale.id, { amount: 2 });
    const { status, body } = await till.admin.send('GET', path);
    expect([status, body.next_cursor]).toEqual([200, null]);
    expect(body.refunds).toMatchObject([
      { status: 'failed', amount: 1, idempotency_key: keyOf(sale.id, 1) },
      { status: 'succeeded', amount: 2, idempotency_key: keyOf(sale.id, 2) },
    ]);
    expectProblem(await (await givenShopper(till.one)).send('GET', path), 403, 'forbidden');
  });
});

describe('an order all of whose money is promised to go back', () => {
  it('is not shipped while the provider has not answered', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = dropsTheConnection;
    expect((await till.refund(sale.id)).status).toBe(202);
    expectProblem(await till.onOrder(sale.id, 'ship'), 409, 'order_not_shippable');
    till.provider.reset();
    await till.settle(sale.id);
    expectProblem(await till.onOrder(sale.id, 'ship'), 409, 'order_not_shippable');
  });

  it('is shipped when a part of it stays with us', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = dropsTheConnection;
    expect((await till.refund(sale.id, { amount: 4 })).status).toBe(202);
    expect((await till.onOrder(sale.id, 'ship')).status).toBe(200);
  });
});

describe('a refund that was made, and that the provider gives up later', () => {
  it('is owed again: what is left of the order says so, and a cancelled one gets another', async () => {
    const sale = await till.paidOrder();
    await till.refund(sale.id, { amount: 4 });
    await sale.ada.cancel(sale.id);
    expect((await till.orderOf(sale)).payment_status).toBe('refunded');
    const [, rest] = await till.one.app.get(RefundService).ofOrder(sale.id);
    await till.one.app.get(RefundingService).settle(
      rest as Refund,
      {
        status: 'failed',
        provider_refund_id: rest?.provider_refund_id ?? null,
        failure_code: 'card_closed',
        failure_reason: 'The card is closed.',
      },
      async () => undefined,
    );
    expect((await till.orderOf(sale)).payment_status).toBe('partially_refunded');
    expect((await sale.ada.payments(sale.id))[0].refunded_amount).toBe(4);
    expect((await till.historyOf(sale)).at(-1)?.[1]).toBe(
      'refund refused by the provider: The card is closed.',
    );
    await till.database.sql(
      `UPDATE refunds SET settled_at = now() - interval '1 hour' WHERE order_id = $1 AND status = 'failed'`,
      [sale.id],
    );
    // The provider has its own ledger, in which the money went back: here it takes no more.
    await till.recover();
    expect((await till.refunds(sale.id)).map(({ status }) => status)).toHaveLength(3);
    till.provider.reset();
    await till.database.sql(`DELETE FROM refunds WHERE order_id = $1 AND number = 3`, [sale.id]);
    await till.database.sql(
      `UPDATE payments SET refunding_minor = 0, refunded_minor = amount_minor WHERE order_id = $1`,
      [sale.id],
    );
    await till.database.sql(`UPDATE refunds SET status = 'succeeded' WHERE order_id = $1`, [sale.id]);
    await till.database.sql(`UPDATE orders SET payment_status = 'refunded' WHERE id = $1`, [sale.id]);
  });
});

describe("an order's refunds", () => {
  it('are listed by pages, oldest first', async () => {
    const sale = await till.paidOrder();
    for (const amount of [1, 2, 3]) await till.refund(sale.id, { amount });
    const list = (query: string) => till.admin.send('GET', `/admin/orders/${sale.id}/refunds${query}`);
    const { body: first } = await list('?limit=2&count=true');
    expect([first.refunds.map(({ amount }: { amount: number }) => amount), first.total]).toEqual([[1, 2], 3]);
    const { body: second } = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ refunds: [{ amount: 3 }], next_cursor: null });
    for (const query of ['?limit=0', '?limit=101', '?cursor=zzz', '?count=maybe'])
      expectProblem(await list(query), 400, 'validation_failed');
  });
});
