import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin } from '../support/given.js';
import { call, givenHoldIsOver, givenProduct, givenShopper, stockOf } from '../support/given-shop.js';
import { BY_HAND } from './holds.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, BY_HAND);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** A product of which somebody has ordered all three pieces, and has not paid in time. */
async function givenUnpaid(category = ''): Promise<{ id: number; orderId: string }> {
  const id = await givenProduct(database, { stock: 3 });
  if (category) await database.sql('UPDATE products SET category = $2 WHERE id = $1', [id, category]);
  const order = await (await givenShopper(app)).order([{ product_id: id, quantity: 3 }]);
  await givenHoldIsOver(database, order.id);
  return { id, orderId: order.id };
}

/** The provider may have the order's money by now. */
const givenPaymentUnderWay = (orderId: string) =>
  database.sql(`UPDATE orders SET payment_status = 'processing' WHERE id = $1`, [orderId]);

const shown = async (id: number) => {
  const { stock, in_stock } = (await call(app, null, 'GET', `/products/${id}`)).body;
  return { stock, in_stock };
};
const listed = async (query: string): Promise<{ id: number; stock: number }[]> =>
  (await call(app, null, 'GET', `/products?limit=100&${query}`)).body.products;

describe('goods of an overdue hold', () => {
  it('can be sold, says the product, though nobody has noted it yet', async () => {
    const { id } = await givenUnpaid();
    expect(await shown(id)).toEqual({ stock: 3, in_stock: true });
    expect(await stockOf(database, id)).toBe(0);
  });

  it('can be sold, says the catalog, and finds them as what is in stock', async () => {
    const { id } = await givenUnpaid('overdue');
    expect(await listed('category=overdue')).toEqual([expect.objectContaining({ id, stock: 3 })]);
    expect(await listed('category=overdue&in_stock=true&count=true')).toHaveLength(1);
    expect(await listed('category=overdue&in_stock=false')).toEqual([]);
    const counted = await call(app, null, 'GET', '/products?category=overdue&in_stock=false&count=true');
    expect(counted.body.total).toBe(0);
  });

  it('can be had, says a cart, to the last piece and not beyond', async () => {
    const { id } = await givenUnpaid();
    const shopper = await givenShopper(app);
    await shopper.add(id, 3);
    const available = async () => (await shopper.send('GET', '/cart')).body.items[0].available;
    expect(await available()).toBe(true);
    await shopper.add(id, 1);
    expect(await available()).toBe(false);
  });

  it('can then be bought, and are gone', async () => {
    const { id } = await givenUnpaid();
    await (await givenShopper(app)).order([{ product_id: id, quantity: 3 }]);
    expect(await shown(id)).toEqual({ stock: 0, in_stock: false });
  });

  it('are counted once when the hold has been ended', async () => {
    const { id } = await givenUnpaid();
    await (await givenShopper(app)).order([{ product_id: id, quantity: 1 }]);
    expect(await shown(id)).toEqual({ stock: 2, in_stock: true });
  });

  it('show in what an admin changes, too', async () => {
    const { id } = await givenUnpaid();
    const admin = await givenAdmin(app, database);
    const changed = await call(app, admin, 'PATCH', `/products/${id}`, { body: { name: 'Lantern' } });
    expect(changed.body).toMatchObject({ name: 'Lantern', stock: 3, in_stock: true });
  });

  describe('are what is counted', () => {
    let admin: GivenUser;
    beforeAll(async () => {
      admin = await givenAdmin(app, database);
    });
    const enter = (body: object) => call(app, admin, 'POST', '/inventory/movements', { body });
    const statusOf = async (orderId: string) =>
      (await database.sql('SELECT status FROM orders WHERE id = $1', [orderId]))[0]?.status;

    it('by an adjustment, which then is what can be sold', async () => {
      const { id, orderId } = await givenUnpaid();
      const wish = { product_id: id, type: 'adjustment', quantity: 12, expected_stock: 3 };
      const { status, body } = await enter(wish);
      expect([status, body.stock_before, body.stock_after, body.movement.delta]).toEqual([201, 3, 12, 9]);
      expect(await shown(id)).toEqual({ stock: 12, in_stock: true });
      expect(await statusOf(orderId)).toBe('expired');
    });

    it('by counts of many products', async () => {
      const [one, other] = [await givenUnpaid(), await givenUnpaid()];
      const items = [
        { product_id: other.id, quantity: 2, expected_stock: 3 },
        { product_id: one.id, quantity: 7, expected_stock: 0 },
      ];
      const { body } = await call(app, admin, 'POST', '/inventory/bulk', { body: { items } });
      expect(body.results).toMatchObject([
        { status: 'updated', stock_before: 3, stock_after: 2 },
        { status: 'failed', code: 'stock_changed' },
      ]);
      expect([await shown(other.id), await shown(one.id)]).toMatchObject([{ stock: 2 }, { stock: 3 }]);
    });

    it('before goods come in', async () => {
      const { id } = await givenUnpaid();
      const { body } = await enter({ product_id: id, type: 'in', quantity: 5 });
      expect([body.stock_before, body.stock_after]).toEqual([3, 8]);
      expect(await shown(id)).toMatchObject({ stock: 8 });
    });

    it('unless their order may be paid by now', async () => {
      const { id, orderId } = await givenUnpaid();
      await givenPaymentUnderWay(orderId);
      const { body } = await enter({ product_id: id, type: 'adjustment', quantity: 4 });
      expect([body.stock_before, body.stock_after]).toEqual([0, 4]);
      expect(await statusOf(orderId)).toBe('pending');
    });
  });

  it('are not free while a payment of their order is under way', async () => {
    const { id, orderId } = await givenUnpaid('being-paid');
    await givenPaymentUnderWay(orderId);
    expect(await shown(id)).toEqual({ stock: 0, in_stock: false });
    expect(await listed('category=being-paid&in_stock=true')).toEqual([]);
    const shopper = await givenShopper(app);
    await shopper.add(id, 1);
    expect((await shopper.send('GET', '/cart')).body.items[0].available).toBe(false);
  });
});

describe('asking what is overdue', () => {
  it('reads neither holds nor ledger when nothing is, whatever the planner believes', async () => {
    await database.sql(
      `UPDATE reservations SET expires_at = now() + interval '1 hour' WHERE status = 'active'`,
    );
    await database.sql(
      `INSERT INTO reservations (id, order_ref, ttl_seconds, expires_at, status, ended_at)
       SELECT gen_random_uuid(), 'old-' || n, 60, now() - interval '1 day', 'expired', now() FROM generate_series(1, 5000) n`,
    );
    await database.sql('ANALYZE reservations');
    const pagesRead = async () => {
      const plan = await database.sql<{ 'QUERY PLAN': string }>(
        'EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM overdue_goods()',
      );
      return Number(/shared hit=(\d+)/.exec(plan.map((row) => row['QUERY PLAN']).join('\n'))?.[1]);
    };
    // The first time it is planned, which reads the catalogs.
    await pagesRead();
    expect(await pagesRead()).toBeLessThan(10);
  });
});
