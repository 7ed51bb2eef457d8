import {
  actsAndDropsTheConnection,
  dropsTheConnection,
  fine,
  type Mood,
  refuses,
  refusesWith,
  says,
  UNHEARD,
} from '../support/given-provider.js';
import { givenCart, givenProduct, stockOf } from '../support/given-shop.js';
import { type Sale, Till } from './till.js';

let till: Till;

beforeAll(async () => {
  // Whoever is not answered waits no longer than that.
  till = await Till.open({ PAYMENT_TIMEOUT_MS: '1500' });
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const error = (code: string) => `{"type":"error","id":"1","code":"${code}"}`;
const usedUp = refusesWith('payment_token', 'The payment token has been used already');
const otherParameters = refusesWith('', 'This request was made with other parameters before');

/** A provider that refuses repeats and answers its lists so. */
const refusingAnd =
  (list: Mood): Mood =>
  (asked, ...more) =>
    (asked.method === 'POST' ? usedUp : list)(asked, ...more);

/** Addresses that were asked, without their queries. */
const asked = () => till.provider.asked.map(({ method, path }) => `${method} ${path.split('?')[0]}`);

/** The attempt was sent once, and nobody knows what came of it. */
async function givenUnknown(mood: Mood): Promise<Sale> {
  const sale = await till.order();
  till.provider.mood = mood;
  expect((await sale.ada.pay(sale.id)).body.status).toBe('unknown');
  return sale;
}

/** The customer tries again, with a provider that is well. */
async function payAgain({ ada, id }: Sale): Promise<string> {
  till.provider.mood = fine;
  return (await ada.pay(id)).body.status;
}

describe('a charge that nobody has heard of, when the provider', () => {
  it.each(UNHEARD)('%s and then refuses the repeat, has paid the order', async (_, mood) => {
    const sale = await givenUnknown(mood);
    till.provider.mood = usedUp;
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'succeeded', failure_code: null }]);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(await payAgain(sale)).toBe('succeeded');
    expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 10, refunded: 0 });
  });

  it.each(UNHEARD)('%s and then refuses the repeat, has paid the checkout', async (_, mood) => {
    const product_id = await givenProduct(till.database, { stock: 5 });
    const ada = await givenCart(till.one, { product_id, quantity: 1 });
    till.provider.mood = mood;
    const { order_id: id } = (await ada.checkout({}, 'a-key')).body;
    till.provider.mood = otherParameters;
    await till.settle(id);
    expect((await ada.checkout({}, 'a-key')).body).toMatchObject({ status: 'COMPLETED', order_id: id });
    expect(await ada.cart()).toEqual([]);
    expect(await stockOf(till.database, product_id)).toBe(4);
    expect(await till.provider.moneyOf(id)).toEqual({ captures: 1, captured: 10, refunded: 0 });
  });

  it('refuses the repeat of somebody who takes over from a caller that has died', async () => {
    const sale = await givenUnknown(actsAndDropsTheConnection);
    // As the crash leaves it: nobody has noted that it was asked.
    await till.database.sql(
      `UPDATE payments SET status = 'pending', checks = 0, checked_at = NULL, instance_id = gen_random_uuid()
       WHERE order_id = $1`,
      [sale.id],
    );
    till.provider.mood = usedUp;
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
  });

  it('refuses the repeat of the very call, has paid as well', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    expect((await sale.ada.pay(sale.id, {}, 'a-key')).status).toBe(202);
    await till.database.sql(
      `UPDATE idempotency_keys SET status = NULL, response = NULL, finished_at = NULL, busy_until = now()
       WHERE resource_id IN (SELECT id FROM payments WHERE order_id = $1)`,
      [sale.id],
    );
    till.provider.mood = usedUp;
    expect((await sale.ada.pay(sale.id, {}, 'a-key')).body).toMatchObject({
      status: 'succeeded',
      attempt: 1,
    });
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it.each<[string, Mood]>([
    ['has no list', says(404, 'no such page')],
    ['answers its list with 500', says(500, error('internal_server_error'))],
    ['answers its list with 429', says(429, error('too_many_requests'))],
    ['answers its list with garbage', says(200, '<h1>Welcome</h1>')],
    ['hangs over its list', async () => undefined],
  ])('%s, stays unknown, and is asked about again', async (_, list) => {
    const sale = await givenUnknown(actsAndDropsTheConnection);
    till.provider.mood = refusingAnd(list);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown', attempt: 1 }]);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'pending', payment_status: 'processing' });
    till.provider.mood = usedUp;
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it('has never got it, is refused once the provider says that it knows of none: it can be paid again', async () => {
    const sale = await givenUnknown(dropsTheConnection);
    till.provider.mood = usedUp;
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([
      { status: 'failed', failure_reason: 'The payment token has been used already' },
    ]);
    expect(await payAgain(sale)).toBe('succeeded');
    expect((await till.attempts(sale.id)).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it('answers the repeat with a canceled payment, has declined it: nothing else is asked', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id, { payment_token: 'tok_declined' });
    till.provider.reset();
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([
      { status: 'failed', failure_code: 'general_decline' },
    ]);
    expect(asked()).toEqual(['POST /v3/payments']);
  });

  it('would be charged twice if the refusal of a repeat were believed', async () => {
    const sale = await givenUnknown(actsAndDropsTheConnection);
    // Guard off: to us it is sent for the first time.
    await till.database.sql('UPDATE payments SET checks = 0 WHERE order_id = $1', [sale.id]);
    till.provider.mood = usedUp;
    await till.settle(sale.id);
    expect(await payAgain(sale)).toBe('succeeded');
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 2 });
  });
});

describe('a charge that is refused when it is sent for the first time', () => {
  it('has failed: nothing else is asked', async () => {
    const sale = await till.order();
    till.provider.mood = usedUp;
    expect((await sale.ada.pay(sale.id)).body).toMatchObject({ status: 'failed' });
    expect(asked()).toEqual(['POST /v3/payments']);
    expect(await payAgain(sale)).toBe('succeeded');
  });
});

describe('a refund that nobody has heard of, when the provider', () => {
  /** Four of ten are to go back, and nobody knows whether they have. */
  async function givenUnknownRefund(mood: Mood): Promise<Sale> {
    const sale = await till.paidOrder();
    till.provider.mood = mood;
    expect((await till.refund(sale.id, { amount: 4 })).body.refund.status).toBe('unknown');
    return sale;
  }

  it.each(UNHEARD)('%s and then refuses the repeat, is made, once', async (_, mood) => {
    const sale = await givenUnknownRefund(mood);
    till.provider.mood = otherParameters;
    await till.settle(sale.id);
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', amount: 4 }]);
    expect((await till.orderOf(sale)).payment_status).toBe('partially_refunded');
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 4 });
  });

  it('has no list, stays unknown, and is asked about again', async () => {
    const sale = await givenUnknownRefund(actsAndDropsTheConnection);
    till.provider.mood = refusingAnd(says(404, 'no such page'));
    await till.settle(sale.id);
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'unknown' }]);
    till.provider.mood = fine;
    await till.settle(sale.id);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 4 });
  });

  it('has never got it, is refused once the provider says that it knows of none', async () => {
    const sale = await givenUnknownRefund(dropsTheConnection);
    till.provider.mood = refuses;
    await till.settle(sale.id);
    expect(await till.refunds(sale.id)).toMatchObject([
      { status: 'failed', failure_reason: 'Not enough money for it' },
    ]);
  });

  it('would be made twice if the refusal of a repeat were believed', async () => {
    const sale = await givenUnknownRefund(actsAndDropsTheConnection);
    // Guard off: to us it is sent for the first time.
    await till.database.sql('UPDATE refunds SET checks = 0 WHERE order_id = $1', [sale.id]);
    till.provider.mood = otherParameters;
    await till.settle(sale.id);
    till.provider.mood = fine;
    await till.refund(sale.id, { amount: 4 });
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 8 });
  });
});

describe('a refund that the recovery sends for the first time', () => {
  it('has failed when it is refused: nothing else is asked', async () => {
    const sale = await till.orderAtThePage();
    await sale.ada.cancel(sale.id);
    await till.provider.decide(sale.page, 'approve');
    till.provider.reset();
    till.provider.mood = refuses;
    await till.givenIsDue(sale.id);
    await till.recover();
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'failed', cause: 'late' }]);
    expect(asked().filter((each) => each.endsWith('/refunds'))).toEqual(['POST /v3/refunds']);
    till.provider.mood = fine;
    await till.database.sql(
      `UPDATE refunds SET settled_at = now() - interval '2 minutes' WHERE order_id = $1`,
      [sale.id],
    );
    await till.settle(sale.id);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
  });
});
