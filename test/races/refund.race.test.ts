import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { OrderRepository } from '../../src/order/order.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { ProductRepository } from '../../src/product/product.repository.js';
import type { LockedProduct } from '../../src/product/product.types.js';
import { Till } from '../checkout/till.js';
import { givenHeldProducts, meeting, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { dropsTheConnection } from '../support/given-provider.js';
import {
  type Answer,
  countOf,
  givenAdminShopper,
  givenHoldIsOver,
  givenProduct,
  givenShopper,
  stockOf,
} from '../support/given-shop.js';
import { brokenPromises } from '../support/promises.js';

let till: Till;

beforeAll(async () => {
  till = await Till.open();
});
beforeEach(() => till.begin());
afterAll(() => till.close());

/** Ten admins each give back 40 % of an order of 10.00, at once. */
const refundTenTimes = (id: string): Promise<Answer[]> =>
  times(10, (index) =>
    till.admin.at(index % 2 ? till.one : till.other).send('POST', `/admin/orders/${id}/refund`, {
      body: { amount: 4, reason: 'arrived broken' },
    }),
  );

describe('ten simultaneous refunds of 40 % each', () => {
  it('are two: the others are 409, and the provider has given back 80 %', async () => {
    const sale = await till.paidOrder({ price: 10 });
    const answers = await refundTenTimes(sale.id);
    expect(countOf(answers, 200)).toBe(2);
    for (const { status, body } of answers.filter((answer) => answer.status !== 200))
      expect([status, body.code]).toEqual([409, 'refund_too_large']);
    expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 10, refunded: 8 });
    expect((await till.refunds(sale.id)).map(({ idempotency_key }) => idempotency_key)).toEqual([
      `order-${sale.id}-refund-1`,
      `order-${sale.id}-refund-2`,
    ]);
    expect(await sale.ada.payments(sale.id)).toMatchObject([{ refunded_amount: 8 }]);
    expect((await till.orderOf(sale)).payment_status).toBe('partially_refunded');
  });

  it('with one key are one', async () => {
    const sale = await till.paidOrder({ price: 10 });
    const answers = await times(10, (index) =>
      till.admin.at(index % 2 ? till.one : till.other).send('POST', `/admin/orders/${sale.id}/refund`, {
        body: { amount: 4, reason: 'arrived broken' },
        key: 'click',
      }),
    );
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body.code]).toEqual([409, 'idempotency_in_progress']);
    expect(countOf(answers, 200)).toBeGreaterThan(0);
    expect(await till.provider.moneyOf(sale.id)).toMatchObject({ refunded: 4 });
  });

  it('against five cancels give back exactly what was paid', async () => {
    const sale = await till.paidOrder({ price: 10 });
    const [, cancels] = await Promise.all([
      refundTenTimes(sale.id),
      times(5, (index) => sale.ada.at(index % 2 ? till.one : till.other).cancel(sale.id)),
    ]);
    expect(countOf(cancels, 200)).toBe(5);
    expect(await till.provider.moneyOf(sale.id)).toEqual({ captures: 1, captured: 10, refunded: 10 });
    expect(await till.orderOf(sale)).toMatchObject({ status: 'cancelled', payment_status: 'refunded' });
    expect(await stockOf(till.database, sale.product_id)).toBe(10);
  });
});

describe('shipping against cancelling', () => {
  it('leaves the goods with the customer or the money, never both, twenty times', async () => {
    const found = { shipped: 0, cancelled: 0 };
    for (let round = 0; round < 20; round++) {
      const sale = await till.paidOrder();
      const ship = () => till.onOrder(sale.id, 'ship');
      const cancel = () => sale.ada.at(till.other).cancel(sale.id);
      const answers = await Promise.all(round % 2 ? [ship(), cancel()] : [cancel(), ship()]);
      expect([countOf(answers, 200), countOf(answers, 409)]).toEqual([1, 1]);
      const { status } = await till.orderOf(sale);
      const { refunded } = await till.provider.moneyOf(sale.id);
      expect([status, refunded]).toEqual(status === 'shipped' ? ['shipped', 0] : ['cancelled', 10]);
      found[status as keyof typeof found] += 1;
    }
    expect(found.shipped + found.cancelled).toBe(20);
  });
});

describe('late money and another buyer of the last piece', () => {
  it('leave it with one of them, and money only with the goods, fifty times', async () => {
    const found = { revived: 0, refunded: 0 };
    const buyer = await givenShopper(till.other);
    for (let round = 0; round < 50; round++) {
      const sale = await till.orderAtThePage({ stock: 1 });
      await till.expire(sale.id);
      await till.provider.decide(sale.page, 'approve');
      await till.givenIsDue(sale.id);
      const held = await givenHeldProducts(till.database, sale.product_id);
      const race: [() => Promise<unknown>, () => Promise<unknown>] = [
        () => till.recover(),
        () => buyer.place([{ product_id: sale.product_id, quantity: 1 }]),
      ];
      const [first, second] = round % 2 ? race : race.toReversed();
      const done = [first?.()];
      await untilWaiting(till.database, 1);
      done.push(second?.());
      await untilWaiting(till.database, 2);
      await held.release();
      const answers = await Promise.all(done);
      const placed = answers.find((answer) => typeof answer === 'object') as Answer;
      const isRevived = placed.status === 409;
      if (!isRevived) await till.recover();
      const { status, payment_status } = await till.orderOf(sale);
      expect([placed.status, status, payment_status]).toEqual(
        isRevived ? [409, 'paid', 'paid'] : [201, 'expired', 'refunded'],
      );
      expect(await till.provider.moneyOf(sale.id)).toEqual({
        captures: 1,
        captured: 10,
        refunded: isRevived ? 0 : 10,
      });
      expect(await stockOf(till.database, sale.product_id)).toBe(0);
      found[isRevived ? 'revived' : 'refunded'] += 1;
    }
    expect(Math.min(found.revived, found.refunded)).toBeGreaterThan(10);
  }, 90_000);
});

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;
  let app: TestApp | null;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
    app = null;
  });
  afterEach(async () => {
    await app?.close();
    await unguarded.drop();
  });

  const boot = async (arrange?: (nest: NestFastifyApplication) => void): Promise<TestApp> => {
    app = await bootApp(unguarded, till.settings, arrange);
    return app;
  };

  /** Nothing of an order's refunds is numbered, and as many have looked before any goes on. */
  async function givenRefundsUnguarded(parties: number): Promise<void> {
    await unguarded.sql('ALTER TABLE refunds DROP CONSTRAINT refunds_order_id_number_key');
    await unguarded.sql('ALTER TABLE refunds DROP CONSTRAINT refunds_idempotency_key_key');
    await boot((nest) => {
      if (parties === 0) return;
      const repository = nest.get(OrderRepository);
      const lock = repository.lock.bind(repository);
      const allHaveLooked = meeting(parties);
      let looks = 0;
      repository.lock = async (id, tx) => {
        looks += 1;
        if (looks > parties) return lock(id, tx);
        const [order] = await repository.findAll([id], tx);
        await allHaveLooked();
        return order ?? null;
      };
    });
  }

  it.each<[string, number, number, boolean]>([
    ['the order is not locked, and no CHECK counts', 10, 4000, false],
    ['the CHECK alone still keeps it', 10, 800, true],
    ['the lock alone still keeps it', 0, 800, false],
  ])('ten refunds promise so much: %s', async (_, parties, promised, withCheck) => {
    if (!withCheck) await unguarded.sql('ALTER TABLE payments DROP CONSTRAINT payments_refunds');
    const plain = await bootApp(unguarded, till.settings);
    const ada = await givenShopper(plain);
    const product_id = await givenProduct(unguarded, { price: 10 });
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    await ada.pay(id);
    await plain.close();

    await givenRefundsUnguarded(parties);
    const at = app as TestApp;
    const admin = await givenAdminShopper(at, unguarded);
    // The provider has no part in this: whatever is promised stays promised.
    till.provider.mood = dropsTheConnection;
    const wish = { body: { amount: 4, reason: 'arrived broken' } };
    await times(10, () => admin.send('POST', `/admin/orders/${id}/refund`, wish));
    const [row] = await unguarded.sql('SELECT refunding_minor FROM payments WHERE order_id = $1', [id]);
    expect(Number(row?.refunding_minor)).toBe(promised);
  });

  it('late money sells what is not there: products are not locked, and no CHECK counts', async () => {
    await unguarded.sql('ALTER TABLE products DROP CONSTRAINT products_stock_check');
    await unguarded.sql('ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_stock_after_check');
    const readForSale = new Statement<LockedProduct>(
      'race-late-read-for-sale',
      `SELECT id, sku, name, price_minor, stock, true AS sellable, false AS has_variants FROM products
       WHERE id = ANY($1::int[]) ORDER BY id`,
    );
    let race: (() => Promise<void>) | null = null;
    const at = await boot((nest) => {
      const repository = nest.get(ProductRepository);
      const lockForSale = repository.lockForSale.bind(repository);
      repository.lockForSale = async (ids, tx) => {
        if (!race) return lockForSale(ids, tx);
        const products = await readForSale.run([ids], tx);
        await race();
        return products;
      };
    });
    const ada = await givenShopper(at);
    const product_id = await givenProduct(unguarded, { stock: 1 });
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    const { confirmation_url } = (await ada.pay(id, { payment_token: 'tok_pending' })).body;
    const due = () => unguarded.sql('UPDATE payments SET next_check_at = now() WHERE order_id = $1', [id]);
    await givenHoldIsOver(unguarded, id);
    await due();
    await till.recover(at);
    expect((await ada.get(id)).body.status).toBe('expired');
    await till.provider.decide(confirmation_url, 'approve');
    await due();
    race = meeting(2);
    await Promise.all([till.recover(at), ada.place([{ product_id, quantity: 1 }])]);
    race = null;
    expect(await stockOf(unguarded, product_id)).toBe(-1);
    expect(await brokenPromises(unguarded)).toContain('stock is never negative');
  });
});
