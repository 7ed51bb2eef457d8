import { randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import type { Answer, Call, Client } from './client.js';
import { resetAfterRequest } from './interferences.js';
import { register } from './load.js';
import type { Faults } from './service-process.js';
import { Shop } from './shop.js';

/** The points of a checkout, in their order; whether the provider has charged by then, and whether there is an order. */
const POINTS = [
  { point: 'before the order is committed', ordered: false, charged: false },
  { point: 'after the order is committed', ordered: true, charged: false },
  { point: 'before the charge', ordered: true, charged: false },
  { point: 'after the charge', ordered: true, charged: true },
  { point: 'before the settlement', ordered: true, charged: true },
  { point: 'before the settlement is committed', ordered: true, charged: true },
  { point: 'after the settlement', ordered: true, charged: true },
  { point: 'before the answer', ordered: true, charged: true },
];

/** The points of a refund that is promised. */
const REFUND_POINTS = [
  { point: 'before the money goes back', wentBackMinor: 0 },
  { point: 'after the money has gone back', wentBackMinor: 1_000 },
];

/** A customer with two lamps in the cart, and the click on "buy". */
async function givenCheckout(shop: Shop, members: object = {}) {
  const client = shop.client();
  const token = await register(client, `${randomUUID()}@shop.example`);
  const [product_id] = await shop.products();
  const line = { product_id, quantity: 2 };
  await client.insist({ method: 'POST', path: '/cart/items', body: line, token, key: randomUUID() });
  const click = { method: 'POST', path: '/checkout', body: members, token, key: 'buy' } as const;
  return { client, click };
}

/** A paid order, and an admin's click that gives back a part of it: so much is left that it could go back twice. */
async function givenRefund(shop: Shop) {
  const { client, click: buy } = await givenCheckout(shop);
  const { order_id: orderId } = (await client.insist(buy)).body;
  const body = { amount: 10, reason: 'a scratch' };
  const token = await shop.adminToken();
  const path = `/admin/orders/${orderId}/refund`;
  const click = { method: 'POST', path, body, token, key: 'refund' } as const;
  return { client, orderId, click };
}

/** What is on record of an order's refunds: how each stands, what the history and the events tell, and what an admin did. */
async function refundsOnRecord({ database }: Shop, orderId: string) {
  const sql = (text: string) => database.sql(text, [orderId]);
  return {
    refunds: await sql('SELECT number, status FROM refunds WHERE order_id = $1'),
    history: await sql("SELECT status, reason FROM order_history WHERE order_id = $1 AND reason ~ 'refund'"),
    events: await sql(
      "SELECT type FROM events WHERE type ~ 'refunded' AND data->>'order_id' = $1 ORDER BY type",
    ),
    actions: await sql('SELECT action FROM admin_actions WHERE entity_id = $1'),
  };
}

/** Clicks again and again, as a client does that is told PENDING: each answer tells how the order stands now. */
function clickToTheEnd(client: Client, click: Call): Promise<Answer> {
  return eventually(
    async () => {
      const answer = await client.insist(click);
      return answer.body.status === 'PENDING' ? null : answer;
    },
    { within: 30_000, what: 'the end of the checkout' },
  );
}

/** Nothing hangs on the way there, and many shops at once are slow: who gave the gateway up would not come to that point. */
const crashAt = (point: string): Faults => ({ FAULT_CRASH_AT: point, PAYMENT_TIMEOUT_MS: '20000' });

async function inShop(name: string, faults: Faults, play: (shop: Shop) => Promise<void>): Promise<void> {
  const shop = await Shop.open(name, { faults });
  try {
    await play(shop);
  } finally {
    await shop.close();
  }
}

async function onlyOrderOf({ database }: Shop): Promise<string | undefined> {
  const orders = await database.sql<{ id: string }>('SELECT id FROM orders');
  expect(orders.length).toBeLessThan(2);
  return orders[0]?.id;
}

describe('kill -9 of the service in a checkout', () => {
  it.concurrent.each(POINTS)('$point', async ({ point, ordered, charged }) => {
    await inShop(point, crashAt(point), async (shop) => {
      const { client, click } = await givenCheckout(shop);
      expect(await client.try(click)).toBeNull();
      expect(await shop.service.ended()).toBe('SIGKILL');
      const orderId = await onlyOrderOf(shop);
      expect(orderId !== undefined).toBe(ordered);
      if (orderId) expect((await shop.gateway.account(orderId)).captures).toBe(charged ? 1 : 0);

      await shop.service.start();
      // Nobody asks again: what is half done is finished all the same.
      await shop.expectSettled();
      const answer = await clickToTheEnd(client, click);
      expect(answer).toMatchObject({ status: 200, body: { status: 'COMPLETED', total_price: 24.68 } });
      if (orderId) expect(answer.body.order_id).toBe(orderId);
      expect(await shop.gateway.account(answer.body.order_id)).toMatchObject({
        captures: 1,
        capturedMinor: 2_468,
        keys: [`order-${answer.body.order_id}-payment`],
      });
      await shop.expectSettled();
    });
  });

  it.concurrent('while the provider has charged and we have not heard of it', async () => {
    await inShop('unheard', {}, async (shop) => {
      const { client, click } = await givenCheckout(shop, { payment_token: 'tok_timeout' });
      const answer = client.try(click);
      const orderId = await eventually(() => onlyOrderOf(shop));
      await eventually(async () => (await shop.gateway.account(orderId)).captures === 1);
      await shop.service.kill();
      expect(await answer).toBeNull();

      await shop.service.start();
      // The client asks again at once, while the dead process still counts as alive: it waits, and is told the end.
      expect(await clickToTheEnd(client, click)).toMatchObject({
        status: 200,
        body: { status: 'COMPLETED', order_id: orderId },
      });
      await shop.expectSettled();
    });
  });
});

describe('kill -9 of the service in a refund', () => {
  it.concurrent.each(REFUND_POINTS)('$point', async ({ point, wentBackMinor }) => {
    await inShop(point, crashAt(point), async (shop) => {
      const { client, orderId, click } = await givenRefund(shop);
      expect(await client.try(click)).toBeNull();
      expect(await shop.service.ended()).toBe('SIGKILL');
      const actions = [{ action: 'order.refunded' }];
      const refunds = [{ number: 1, status: 'pending' }];
      expect(await refundsOnRecord(shop, orderId)).toEqual({ refunds, history: [], events: [], actions });
      expect((await shop.gateway.account(orderId)).refundedMinor).toBe(wentBackMinor);

      await shop.service.start();
      // Nobody asks again: what is promised goes back all the same.
      await shop.expectSettled();
      const done = {
        refunds: [{ number: 1, status: 'succeeded' }],
        history: [{ status: 'paid', reason: 'refunded 10.00 USD: a scratch' }],
        events: [{ type: 'order.refunded' }, { type: 'payment.refunded' }],
        actions,
      };
      expect(await refundsOnRecord(shop, orderId)).toEqual(done);
      const answer = await client.insist(click);
      expect(answer).toMatchObject({
        status: 200,
        body: { id: orderId, payment_status: 'partially_refunded', refund: { amount: 10 } },
      });
      expect(await refundsOnRecord(shop, orderId)).toEqual(done);
      expect(await shop.gateway.account(orderId)).toMatchObject({ captures: 1, refundedMinor: 1_000 });
      await shop.expectSettled();
    });
  });
});

describe('without its guard', () => {
  it.concurrent('a lost answer is charged, and given back, twice, and the verdict sees it', async () => {
    await inShop('random keys', { FAULT_RANDOM_KEYS: 'yes' }, async (shop) => {
      const { client, click } = await givenCheckout(shop, { payment_token: 'tok_error' });
      expect((await client.insist(click)).body.status).toBe('PENDING');
      const orderId = (await onlyOrderOf(shop)) as string;
      await eventually(async () => (await shop.gateway.account(orderId)).captures > 1);
      expect(await shop.verdict.wrongMoney()).toContainEqual(
        expect.stringMatching(`^order ${orderId} was charged \\d times$`),
      );

      const refund = await givenRefund(shop);
      resetAfterRequest(shop.gatewayProxy, { every: 1 });
      expect((await client.insist(refund.click)).status).toBe(202);
      await eventually(async () => (await shop.gateway.account(refund.orderId)).refundedMinor > 1_000);
      expect(await shop.verdict.wrongMoney()).toContain(
        `order ${refund.orderId}: 2000 went back, 0 is noted, 0 recorded`,
      );
    });
  });

  it.concurrent('a payment is stuck when nobody recovers, and the verdict sees it', async () => {
    await inShop('no recovery', crashAt('after the charge'), async (shop) => {
      const { client, click } = await givenCheckout(shop);
      expect(await client.try(click)).toBeNull();
      await shop.service.ended();
      await shop.service.start({ FAULT_NO_RECOVERY: 'yes' });
      const orderId = await onlyOrderOf(shop);
      // Longer than any of the tests above has to wait for it.
      expect(await shop.verdict.stuck(15_000)).toEqual([
        `order ${orderId} is pending, and its payment is not settled`,
      ]);
    });
  });
});
