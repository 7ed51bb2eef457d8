import { PaymentGateways } from '../../src/payment/gateway/payment-gateways.js';
import { times } from '../support/barrier.js';
import { bootApp } from '../support/boot.js';
import { actsAndDropsTheConnection, dropsTheConnection, fine, refuses } from '../support/given-provider.js';
import { countOf, expectProblem, givenShopper, movementsOf, stockOf } from '../support/given-shop.js';
import { Till } from './till.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

const kindsOf = async (productId: number) =>
  (await movementsOf(till.database, productId)).map(({ kind }) => kind);

/** So much time has gone by since the provider refused this order's refunds. */
const givenRefusedAgo = (id: string, seconds: number) =>
  till.database.sql(
    `UPDATE refunds SET settled_at = now() - $2 * interval '1 second' WHERE order_id = $1 AND status = 'failed'`,
    [id, seconds],
  );

describe('cancelling a paid order', () => {
  it('gives back its goods and its money, once', async () => {
    const sale = await till.paidOrder({ price: 12.5, quantity: 2, stock: 10 });
    const answer = await sale.ada.cancel(sale.id, { reason: 'ordered by mistake' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      status: 'cancelled',
      payment_status: 'refunded',
      reservation: { status: 'fulfilled' },
    });
    expect(await till.orderOf(sale)).toEqual(answer.body);
    expect(await till.historyOf(sale)).toEqual([
      ['pending', null],
      ['paid', null],
      ['cancelled', 'ordered by mistake'],
      ['cancelled', 'refunded 25.00 USD: ordered by mistake'],
    ]);
    expect(await till.refunds(sale.id)).toMatchObject([
      {
        cause: 'cancelled',
        reason: 'ordered by mistake',
        status: 'succeeded',
        idempotency_key: `order-${sale.id}-refund-1`,
      },
    ]);
    expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 25, refunded: 25 });
    expect(await kindsOf(sale.product_id)).toEqual(['taken', 'returned']);
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
    expect(await till.told(sale.id)).toEqual([
      'order.cancelled',
      'order.paid',
      'order.placed',
      'order.refunded',
      'payment.refunded',
      'payment.succeeded',
    ]);
  });

  it('twice answers the cancelled order again, with no second effect', async () => {
    const sale = await till.paidOrder();
    const first = await sale.ada.cancel(sale.id, {}, 'a-key');
    const second = await sale.ada.cancel(sale.id, { reason: 'once more' });
    expect([second.status, second.body]).toEqual([200, first.body]);
    const replayed = await sale.ada.cancel(sale.id, {}, 'a-key');
    expect([replayed.body, replayed.headers['idempotent-replayed']]).toEqual([first.body, 'true']);
    expect(till.provider.posts('/refunds')).toHaveLength(1);
    expect(await till.refunds(sale.id)).toHaveLength(1);
    expect(await kindsOf(sale.product_id)).toEqual(['taken', 'returned']);
  });

  it('five times at once gives back goods and money once', async () => {
    const sale = await till.paidOrder({ quantity: 4 });
    const answers = await times(5, (index) => sale.ada.at(index % 2 ? till.one : till.other).cancel(sale.id));
    expect(countOf(answers, 200)).toBe(5);
    for (const { body } of answers) expect(body.status).toBe('cancelled');
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', amount: 40 }]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 40 });
    expect(await kindsOf(sale.product_id)).toEqual(['taken', 'returned']);
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });

  it('gives back what earlier refunds have left', async () => {
    const sale = await till.paidOrder({ price: 10 });
    await till.refund(sale.id, { amount: 2.5 });
    await sale.ada.cancel(sale.id);
    expect((await till.refunds(sale.id)).map(({ amount, cause }) => [amount, cause])).toEqual([
      [2.5, 'admin'],
      [7.5, 'cancelled'],
    ]);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
    expect((await till.orderOf(sale)).payment_status).toBe('refunded');
  });

  it('all of whose money went back before gives back its goods', async () => {
    const sale = await till.paidOrder();
    await till.refund(sale.id);
    const { body } = await sale.ada.cancel(sale.id);
    expect(body).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(await till.refunds(sale.id)).toHaveLength(1);
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });

  it('whose money was taken by hand gives it back by hand, at once', async () => {
    const sale = await till.orderPaidByHand();
    const { body } = await sale.ada.cancel(sale.id);
    expect(body).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'succeeded', provider: 'manual' }]);
    expect(till.provider.asked).toEqual([]);
  });

  it('that is shipped is 409, and nothing goes back', async () => {
    const sale = await till.paidOrder();
    await till.onOrder(sale.id, 'ship');
    const text = 'an order that is shipped cannot be cancelled';
    expectProblem(await sale.ada.cancel(sale.id), 409, 'order_not_cancellable', text);
    expectProblem(await till.onOrder(sale.id, 'cancel'), 409, 'order_not_cancellable', text);
    expect(till.provider.posts('/refunds')).toEqual([]);
    expect(await stockOf(till.database, sale.product_id)).toBe(9);
  });

  it('is for its owner; for others it is not there', async () => {
    const sale = await till.paidOrder();
    const eve = await givenShopper(till.one);
    expectProblem(await eve.cancel(sale.id), 404, 'not_found', 'order not found');
    expectProblem(await eve.send('POST', `/admin/orders/${sale.id}/cancel`), 403, 'forbidden');
    expect((await till.orderOf(sale)).status).toBe('paid');
  });

  it('by an admin does the same for anybody, and says who it was', async () => {
    const sale = await till.paidOrder();
    const answer = await till.onOrder(sale.id, 'cancel', {}, 'a-key');
    expect([answer.status, answer.body.payment_status]).toEqual([200, 'refunded']);
    expect((await till.historyOf(sale))[2]).toEqual(['cancelled', 'cancelled by the shop']);
    const again = await till.onOrder(sale.id, 'cancel', {}, 'a-key');
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([answer.body, 'true']);
    const pending = await till.order();
    expect((await till.onOrder(pending.id, 'cancel', { reason: 'sold out' })).body.status).toBe('cancelled');
  });
});

describe('cancelling while the provider does not answer', () => {
  it('is done with the goods; the money follows, once', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = actsAndDropsTheConnection;
    const answer = await sale.ada.cancel(sale.id, {}, 'a-key');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'cancelled', payment_status: 'paid' });
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
    expect(await till.refunds(sale.id)).toMatchObject([{ status: 'unknown' }]);
    till.provider.mood = fine;
    await till.settle(sale.id);
    expect((await till.orderOf(sale)).payment_status).toBe('refunded');
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
    const posts = till.provider.posts('/refunds');
    expect(new Set(posts.map(({ headers }) => headers['idempotence-key'])).size).toBe(1);
  });
});

describe('a cancel that was cut off before it asked for the refund', () => {
  async function givenCutOff(earlier: { amount?: number } = {}) {
    const sale = await till.paidOrder({ price: 10 });
    if (earlier.amount) {
      till.provider.mood = dropsTheConnection;
      await till.refund(sale.id, { amount: earlier.amount });
      till.provider.mood = fine;
    }
    const dying = await bootApp(till.database, till.settings, (nest) => {
      nest.get(PaymentGateways).current.refund = async () => {
        throw new Error('the process is gone');
      };
    });
    expectProblem(await sale.ada.at(dying).cancel(sale.id, {}, 'a-key'), 500, 'internal_error');
    expectProblem(await sale.ada.cancel(sale.id, {}, 'a-key'), 409, 'idempotency_in_progress');
    await dying.close();
    return sale;
  }

  it('has cancelled the order; its retry makes the refund', async () => {
    const sale = await givenCutOff();
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'paid' });
    const retry = await sale.ada.cancel(sale.id, {}, 'a-key');
    expect([retry.status, retry.body.payment_status]).toEqual([200, 'refunded']);
    expect(retry.headers['idempotent-replayed']).toBeUndefined();
    const again = await sale.ada.cancel(sale.id, {}, 'a-key');
    expect([again.body, again.headers['idempotent-replayed']]).toEqual([retry.body, 'true']);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
    expect(await kindsOf(sale.product_id)).toEqual(['taken', 'returned']);
  });

  it('is taken up with its own refund, not with another that is under way', async () => {
    const sale = await givenCutOff({ amount: 3 });
    await sale.ada.cancel(sale.id, {}, 'a-key');
    expect(await till.refunds(sale.id)).toMatchObject([
      { status: 'unknown', amount: 3 },
      { status: 'succeeded', amount: 7 },
    ]);
    // That one is nobody's, and is not kept from whoever recovers.
    expect(await till.recover()).toBe(1);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
  });

  it('is finished by the recovery when nobody retries; a late retry learns the end', async () => {
    const sale = await givenCutOff();
    await till.recover(till.other);
    const retry = await sale.ada.cancel(sale.id, {}, 'a-key');
    expect([retry.status, retry.body.payment_status]).toEqual([200, 'refunded']);
    expect(till.provider.posts('/refunds')).toHaveLength(1);
  });
});

describe('the money of an order that was cancelled', () => {
  it('is given back by a new refund, with the next number, when the provider has refused the first', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = refuses;
    const { body } = await sale.ada.cancel(sale.id);
    expect(body).toMatchObject({ status: 'cancelled', payment_status: 'paid' });
    till.provider.mood = fine;
    expect(await till.recover()).toBe(0);
    await givenRefusedAgo(sale.id, 61);
    await Promise.all([till.recover(till.one), till.recover(till.other)]);
    await till.recover();
    expect(await till.refunds(sale.id)).toMatchObject([
      { status: 'failed', idempotency_key: `order-${sale.id}-refund-1` },
      { status: 'succeeded', idempotency_key: `order-${sale.id}-refund-2`, amount: 10, cause: 'cancelled' },
    ]);
    expect((await till.orderOf(sale)).payment_status).toBe('refunded');
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
  });

  it('is tried for ever, with longer and longer waits', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = refuses;
    await sale.ada.cancel(sale.id);
    for (const [number, seconds] of [
      [1, 60],
      [2, 120],
      [3, 240],
    ]) {
      await givenRefusedAgo(sale.id, (seconds as number) - 5);
      await till.recover();
      expect(await till.refunds(sale.id)).toHaveLength(number as number);
      await givenRefusedAgo(sale.id, (seconds as number) + 1);
      await till.recover();
      expect(await till.refunds(sale.id)).toHaveLength((number as number) + 1);
    }
    till.provider.mood = fine;
    await givenRefusedAgo(sale.id, 3_600);
    await till.recover();
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
  });

  it.each([
    ['a part', 4],
    ['all', 10],
  ])(
    'goes back even when an admin had wished for %s of it before and that is refused after',
    async (_, amount) => {
      const sale = await till.paidOrder({ price: 10 });
      till.provider.mood = dropsTheConnection;
      await till.refund(sale.id, { amount });
      till.provider.mood = fine;
      await sale.ada.cancel(sale.id);
      expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 - amount });
      till.provider.mood = refuses;
      await till.settle(sale.id);
      expect((await till.refunds(sale.id))[0].status).toBe('failed');
      till.provider.mood = fine;
      await givenRefusedAgo(sale.id, 61);
      await till.settle(sale.id);
      expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 10 });
      expect((await till.refunds(sale.id)).at(-1)).toMatchObject({ cause: 'cancelled', amount });
      expect((await till.orderOf(sale)).payment_status).toBe('refunded');
    },
  );

  it('is left alone once an admin has given the rest back', async () => {
    const sale = await till.paidOrder();
    till.provider.mood = refuses;
    await sale.ada.cancel(sale.id);
    till.provider.mood = fine;
    expect((await till.refund(sale.id)).body.refund.status).toBe('succeeded');
    await givenRefusedAgo(sale.id, 3_600);
    expect(await till.recover()).toBe(0);
    expect(await till.refunds(sale.id)).toHaveLength(2);
  });

  it('does not keep that of others from going back when it cannot be noted', async () => {
    const [stuck, free] = [await till.paidOrder(), await till.paidOrder()];
    till.provider.mood = refuses;
    for (const { ada, id } of [stuck, free]) await ada.cancel(id);
    till.provider.mood = fine;
    await givenRefusedAgo(stuck.id, 120);
    await givenRefusedAgo(free.id, 110);
    await till.database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stuck'; END $$`,
    );
    await till.database.sql(
      `CREATE TRIGGER fail BEFORE INSERT ON refunds FOR EACH ROW WHEN (NEW.order_id = '${stuck.id}')
       EXECUTE FUNCTION fail()`,
    );
    await till.recover();
    expect(await till.provider.moneyOf(free.id)).toMatchObject({ refunded: 10 });
    await till.database.sql('DROP FUNCTION fail CASCADE');
    await till.recover();
    expect(await till.provider.moneyOf(stuck.id)).toMatchObject({ refunded: 10 });
  });
});
