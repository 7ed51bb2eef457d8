import { SettlementService } from '../../src/checkout/settlement.service.js';
import { OrderLife } from '../../src/order/order-life.service.js';
import type { Payment } from '../../src/payment/payment.types.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { givenHeldProducts, untilWaiting } from '../support/barrier.js';
import {
  actsAndDropsTheConnection,
  dropsTheConnection,
  fine,
  listsPaymentsWith,
  type Mood,
  refuses,
  says,
  UNHEARD,
} from '../support/given-provider.js';
import { expectProblem, givenProduct, givenShopper, type Shopper, stockOf } from '../support/given-shop.js';
import { type Sale, Till } from './till.js';

let till: Till;

beforeAll(async () => {
  // Whoever is not answered waits no longer than that.
  till = await Till.open({ PAYMENT_TIMEOUT_MS: '1500' });
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const roundsOf = async (productId: number): Promise<[string, number][]> => {
  const text = 'SELECT kind, round FROM stock_movements WHERE product_id = $1 ORDER BY id';
  return (await till.database.sql(text, [productId])).map(({ kind, round }) => [kind, round]);
};

/** The money has come and gone: the order stands as it had ended. */
async function expectGivenBackOnce(sale: Sale, status: string): Promise<void> {
  expect(await till.orderOf(sale)).toMatchObject({ status, payment_status: 'refunded' });
  expect(await till.refunds(sale.id)).toMatchObject([
    {
      status: 'succeeded',
      cause: 'late',
      amount: 10,
      reason: `the order was ${status} when its payment arrived`,
      idempotency_key: `order-${sale.id}-refund-1`,
    },
  ]);
  expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 10, refunded: 10 });
  expect((await till.historyOf(sale)).slice(-2)).toEqual([
    [status, 'paid too late: the money goes back'],
    [status, `refunded 10.00 USD: the order was ${status} when its payment arrived`],
  ]);
  const told = await till.told(sale.id);
  expect(told.filter((type) => type !== 'order.placed' && !type.startsWith('reservation.'))).toEqual(
    [`order.${status}`, 'order.refunded', 'payment.refunded', 'payment.succeeded'].sort(),
  );
  // However often it is asked about after that.
  await till.settle(sale.id);
  expect(await till.refunds(sale.id)).toHaveLength(1);
}

describe('money for an order that has expired, whose points have settled what its customer owed', () => {
  const WORTH = { price: 1_010, quantity: 1, stock: 10 };

  /** Earns 1010 points by an order, redeems 1000 with another, loses the first and lets the second expire. */
  async function givenSettledByExpiry(): Promise<Sale & { page: string }> {
    const earning = await till.orderPaidByHand(WORTH);
    const { ada } = earning;
    const product_id = await givenProduct(till.database, WORTH);
    const { id } = await ada.order([{ product_id, quantity: 1 }], { redeem_points: 1_000 });
    const { body } = await ada.pay(id, { payment_token: 'tok_pending' });
    await ada.cancel(earning.id);
    expect(await standingOf(ada)).toEqual({ balance: 0, owed: 1_000 });
    await till.expire(id);
    expect(await standingOf(ada)).toEqual({ balance: 0, owed: 0 });
    return { ada, id, product_id, page: body.confirmation_url };
  }

  const standingOf = async (ada: Shopper) => {
    const { balance, owed } = (await ada.send('GET', '/points')).body;
    return { balance, owed };
  };

  it('goes back: they are not there to be redeemed again', async () => {
    const sale = await givenSettledByExpiry();
    await till.receive(sale.id, sale.page);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'expired', payment_status: 'refunded' });
    expect(await standingOf(sale.ada)).toEqual({ balance: 0, owed: 0 });
  });

  it('revives it when as many have been earned since, and nothing is left when both come to nothing', async () => {
    const sale = await givenSettledByExpiry();
    const { id } = await sale.ada.order([{ product_id: sale.product_id, quantity: 1 }], {
      payment_method: 'cod',
    });
    expect((await till.onOrder(id, 'confirm-payment')).status).toBe(200);
    expect(await standingOf(sale.ada)).toEqual({ balance: 1_010, owed: 0 });
    await till.receive(sale.id, sale.page);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'paid', redeemed_points: 1_000 });
    // It costs a thousand, and earns as many.
    expect(await standingOf(sale.ada)).toEqual({ balance: 1_010, owed: 0 });
    await sale.ada.cancel(id);
    expect(await standingOf(sale.ada)).toEqual({ balance: 0, owed: 0 });
    await sale.ada.cancel(sale.id);
    expect(await standingOf(sale.ada)).toEqual({ balance: 0, owed: 0 });
  });
});

describe('money for an order that has expired', () => {
  it('revives it when its goods can be had again', async () => {
    const sale = await till.orderAtThePage({ quantity: 4, stock: 10 });
    await till.expire(sale.id);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'expired', reservation: { status: 'expired' } });
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
    await till.receive(sale.id, sale.page);
    expect(await till.orderOf(sale)).toMatchObject({
      status: 'paid',
      payment_status: 'paid',
      reservation: { status: 'expired' },
    });
    expect(await till.historyOf(sale)).toEqual([
      ['pending', null],
      ['expired', 'not paid in time'],
      ['paid', 'paid late: its goods could be had again'],
    ]);
    expect(await stockOf(till.database, sale.product_id)).toBe(6);
    expect(await roundsOf(sale.product_id)).toEqual([
      ['taken', 1],
      ['returned', 1],
      ['taken', 2],
    ]);
    expect(await till.told(sale.id)).toEqual([
      'order.expired',
      'order.paid',
      'order.placed',
      'payment.succeeded',
      'reservation.expired',
    ]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1, refunded: 0 });
  });

  it('revives it as any other order: it can be shipped, or cancelled, which gives back its second round', async () => {
    const [shipped, cancelled] = [await till.orderAtThePage(), await till.orderAtThePage({ quantity: 3 })];
    for (const { id, page } of [shipped, cancelled]) {
      await till.expire(id);
      await till.receive(id, page);
    }
    expect((await till.onOrder(shipped.id, 'ship')).body.status).toBe('shipped');
    const items = [{ product_id: shipped.product_id, quantity: 1, sellable: true }];
    expect((await till.onOrder(shipped.id, 'return', { items })).status).toBe(200);
    expect(await stockOf(till.database, shipped.product_id)).toBe(10);

    const { body } = await cancelled.ada.cancel(cancelled.id);
    expect(body).toMatchObject({
      status: 'cancelled',
      payment_status: 'refunded',
      reservation: { status: 'expired' },
    });
    expect(await stockOf(till.database, cancelled.product_id)).toBe(10);
    expect(await roundsOf(cancelled.product_id)).toEqual([
      ['taken', 1],
      ['returned', 1],
      ['taken', 2],
      ['returned', 2],
    ]);
    expect(await till.provider.moneyOf(cancelled.id)).toMatchObject({ captured: 30, refunded: 30 });
  });

  it('takes all its goods or none: when one is gone it is given back', async () => {
    const there = await till.order({ stock: 5 });
    const gone = await till.order({ stock: 5 });
    const ada = await givenShopper(till.one);
    const { id } = await ada.order([
      { product_id: there.product_id, quantity: 1 },
      { product_id: gone.product_id, quantity: 1 },
    ]);
    const { confirmation_url } = (await ada.pay(id, { payment_token: 'tok_pending' })).body;
    await till.expire(id);
    await gone.ada.order([{ product_id: gone.product_id, quantity: 4 }]);
    await till.receive(id, confirmation_url);
    expect((await ada.get(id)).body).toMatchObject({ status: 'expired', payment_status: 'refunded' });
    expect(await stockOf(till.database, there.product_id)).toBe(4);
    expect(await till.provider.moneyOf(id)).toEqual({ captures: 1, captured: 20, refunded: 20 });
  });

  it('is given back once when its goods are gone', async () => {
    const sale = await till.orderAtThePage({ stock: 1 });
    await till.expire(sale.id);
    const next = await (await givenShopper(till.one)).order([{ product_id: sale.product_id, quantity: 1 }]);
    await till.receive(sale.id, sale.page);
    await expectGivenBackOnce(sale, 'expired');
    expect(next.status).toBe('pending');
    expect(await stockOf(till.database, sale.product_id)).toBe(0);
  });

  it('that was charged without our knowing is found by whoever recovers', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    expect((await sale.ada.pay(sale.id)).status).toBe(202);
    till.provider.mood = fine;
    await till.one.app.get(DatabaseService).transaction(async (tx) => {
      const lives = till.one.app.get(OrderLife);
      await lives.end(await lives.lock(sale.id, tx), 'expired', 'not paid in time', tx);
    });
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(till.provider.posts('/payments')).toHaveLength(1);
  });
});

describe('late money for a checkout', () => {
  it('takes what it has bought out of the cart', async () => {
    const sale = await till.checkoutAtThePage({ quantity: 2 });
    await till.expire(sale.id);
    await sale.ada.add(sale.product_id, 3);
    await till.receive(sale.id, sale.page);
    expect((await till.orderOf(sale)).status).toBe('paid');
    expect(await sale.ada.cart()).toEqual([{ product_id: sale.product_id, quantity: 3 }]);
    expect((await sale.ada.send('GET', `/checkout/${sale.id}`)).body.status).toBe('COMPLETED');
  });

  it('is given back when the same cart was bought otherwise meanwhile', async () => {
    const sale = await till.checkoutAtThePage();
    await till.expire(sale.id);
    expect((await sale.ada.checkout()).body.status).toBe('COMPLETED');
    await till.receive(sale.id, sale.page);
    await expectGivenBackOnce(sale, 'expired');
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
  });

  it('is given back when the same cart is bought at that very moment', async () => {
    const sale = await till.checkoutAtThePage();
    await till.expire(sale.id);
    await till.provider.decide(sale.page, 'approve');
    const held = await givenHeldProducts(till.database, sale.product_id);
    const bought = sale.ada.at(till.other).checkout();
    await untilWaiting(till.database, 1);
    await till.givenIsDue(sale.id);
    const recovered = till.recover();
    await untilWaiting(till.database, 2);
    await held.release();
    expect((await bought).body.status).toBe('COMPLETED');
    await recovered;
    expect(await till.orderOf(sale)).toMatchObject({ status: 'expired' });
    expect(await till.refunds(sale.id)).toHaveLength(1);
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'expired');
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
  });
});

describe('money for an order that came to nothing', () => {
  it('goes back once when it was cancelled, though its goods are there', async () => {
    const sale = await till.orderAtThePage();
    expect((await sale.ada.cancel(sale.id)).body).toMatchObject({ status: 'cancelled' });
    await till.receive(sale.id, sale.page);
    await expectGivenBackOnce(sale, 'cancelled');
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });

  it('goes back once when it has failed', async () => {
    const sale = await till.checkoutAtThePage();
    await till.one.app.get(DatabaseService).transaction(async (tx) => {
      const lives = till.one.app.get(OrderLife);
      await lives.end(await lives.lock(sale.id, tx), 'failed', 'payment declined', tx);
    });
    await till.receive(sale.id, sale.page);
    await expectGivenBackOnce(sale, 'failed');
    expect(await sale.ada.cart()).toHaveLength(1);
  });

  it('goes back once though two recover at once, and again and again', async () => {
    const sale = await till.orderAtThePage();
    await sale.ada.cancel(sale.id);
    await till.provider.decide(sale.page, 'approve');
    for (let round = 0; round < 3; round++) {
      await till.givenIsDue(sale.id);
      await Promise.all([till.recover(till.one), till.recover(till.other)]);
    }
    await expectGivenBackOnce(sale, 'cancelled');
  });

  it('that is declined changes nothing but the payment', async () => {
    const sale = await till.orderAtThePage();
    await sale.ada.cancel(sale.id);
    await till.provider.decide(sale.page, 'decline');
    await till.settle(sale.id);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'failed' });
    expect(await till.refunds(sale.id)).toEqual([]);
  });
});

describe('an attempt that the provider never heard of', () => {
  it('is not sent any more once its order is cancelled', async () => {
    const sale = await till.order();
    till.provider.mood = dropsTheConnection;
    expect((await sale.ada.pay(sale.id)).body.status).toBe('unknown');
    expect((await sale.ada.cancel(sale.id)).status).toBe(200);
    till.provider.reset();
    await till.settle(sale.id);
    // It may still be on its way.
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    // However old the attempt: the ten minutes begin with the end of the order.
    await till.givenAge('payments', sale.id, 1);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    await till.givenEndedAgo(sale.id, 11);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([
      { status: 'failed', failure_code: 'order_ended' },
    ]);
    expect(till.provider.posts()).toEqual([]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 0 });
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'failed' });
    expectProblem(await sale.ada.pay(sale.id), 409, 'order_not_payable');
  });

  it('gives the money back, all the same, when it turns out to be captured after it was given up', async () => {
    const sale = await till.order();
    till.provider.mood = dropsTheConnection;
    await sale.ada.pay(sale.id);
    await sale.ada.cancel(sale.id);
    till.provider.reset();
    await till.givenEndedAgo(sale.id, 11);
    await till.settle(sale.id);
    const [attempt] = await till.attempts(sale.id);
    expect(attempt?.status).toBe('failed');
    // A process that slept sends the request now.
    const { charge } = await till.sendLate(sale.id);
    await till.one.app.get(SettlementService).settle(attempt as Payment, charge);
    await till.settle(sale.id);
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', cause: 'late', amount: 10 }]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ captures: 1 });
  });

  it('is found, and its money given back, when it had got through after all', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    await sale.ada.cancel(sale.id);
    till.provider.reset();
    await till.settle(sale.id);
    expect(till.provider.posts('/payments')).toEqual([]);
    await expectGivenBackOnce(sale, 'cancelled');
  });
});

describe('an order that has ended while nobody knew of its charge', () => {
  const noSuchPage = says(404, 'no such page');
  const error = (code: string) => `{"type":"error","id":"1","code":"${code}"}`;

  /** It was charged, or not, and was cancelled before anybody knew. */
  async function givenCancelled(mood: Mood): Promise<Sale> {
    const sale = await till.order();
    till.provider.mood = mood;
    expect((await sale.ada.pay(sale.id)).body.status).toBe('unknown');
    expect((await sale.ada.cancel(sale.id)).body.status).toBe('cancelled');
    return sale;
  }

  it.each(UNHEARD)('gives its money back once when the provider %s and has no list', async (_, mood) => {
    const sale = await givenCancelled(mood);
    till.provider.mood = listsPaymentsWith(noSuchPage);
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'cancelled');
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
    // Once again, under the same key and with the same parameters.
    const [first, ...again] = till.provider.posts('/payments');
    expect(again.map(({ headers, body }) => [headers['idempotence-key'], body])).toEqual([
      [`order-${sale.id}-payment`, first?.body],
    ]);
  });

  it.each<[string, Mood]>([
    ['405', says(405, '')],
    ['400', says(400, error('invalid_request'))],
    ['501', says(501, '')],
    ['200 and garbage', says(200, '<h1>Welcome</h1>')],
    ['200 and no list', says(200, '{"items":7}')],
  ])('gives its money back once when the list is answered %s', async (_, list) => {
    const sale = await givenCancelled(actsAndDropsTheConnection);
    till.provider.mood = listsPaymentsWith(list);
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'cancelled');
  });

  it('gives its money back once when it has failed, and the provider has no list', async () => {
    const sale = await till.order();
    till.provider.mood = actsAndDropsTheConnection;
    await sale.ada.pay(sale.id);
    await till.one.app.get(DatabaseService).transaction(async (tx) => {
      const lives = till.one.app.get(OrderLife);
      await lives.end(await lives.lock(sale.id, tx), 'failed', 'payment declined', tx);
    });
    till.provider.mood = listsPaymentsWith(noSuchPage);
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'failed');
  });

  it('gives back what only the repeat has charged, when there is no list to see that by', async () => {
    const sale = await givenCancelled(dropsTheConnection);
    till.provider.mood = listsPaymentsWith(noSuchPage);
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'cancelled');
  });

  it.each<[string, Mood]>([
    ['500', says(500, error('internal_server_error'))],
    ['429', says(429, error('too_many_requests'))],
    ['401', says(401, error('invalid_credentials'))],
    ['nothing', dropsTheConnection],
    ['never', async () => undefined],
  ])('is not sent again when the list is answered %s: it is looked for later', async (_, list) => {
    const sale = await givenCancelled(actsAndDropsTheConnection);
    till.provider.reset();
    till.provider.mood = listsPaymentsWith(list);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    expect(till.provider.posts()).toEqual([]);
    till.provider.mood = fine;
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'cancelled');
  });

  it('is not sent again when the provider may have forgotten its key', async () => {
    const sale = await givenCancelled(actsAndDropsTheConnection);
    till.provider.reset();
    till.provider.mood = listsPaymentsWith(noSuchPage);
    await till.givenAge('payments', sale.id, 25);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    expect(till.provider.posts()).toEqual([]);
  });

  it('stays unknown when its repeat is refused and there is no list', async () => {
    const sale = await givenCancelled(actsAndDropsTheConnection);
    till.provider.mood = (asked, ...more) => (asked.method === 'POST' ? refuses : noSuchPage)(asked, ...more);
    await till.settle(sale.id);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ status: 'unknown' }]);
    till.provider.mood = fine;
    await till.settle(sale.id);
    await expectGivenBackOnce(sale, 'cancelled');
  });
});
