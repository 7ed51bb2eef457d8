import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type Goods, newOrderId, Warehouse } from './warehouse.js';

let database: TestDatabase;
let app: TestApp;
let warehouse: Warehouse;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  warehouse = await Warehouse.of(app, database);
});
afterEach(async () => {
  expect(await warehouse.violations()).toEqual([]);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const availableOf = async (items: Goods[]) =>
  (await warehouse.post('/check', { items })).body.items.map(
    ({ available_quantity }: { available_quantity: number }) => available_quantity,
  );

const ledgerOfOrder = async (order: string) =>
  (await warehouse.get(`/movements?order_id=${order}`)).body.movements
    .map(({ product_id, type, delta }: any) => ({ product_id, type, delta }))
    .reverse();

describe("another system's order", () => {
  it('is checked, taken and fulfilled: the goods are gone', async () => {
    const [one, two] = (await warehouse.givenProducts(2, 10)) as [number, number];
    const items = [
      { product_id: one, quantity: 2 },
      { product_id: two, quantity: 3 },
    ];
    const order = newOrderId();
    expect((await warehouse.post('/check', { items })).body.all_available).toBe(true);
    expect((await warehouse.decrement(order, items)).status).toBe(200);
    expect(await availableOf(items)).toEqual([8, 7]);
    expect(await ledgerOfOrder(order)).toEqual([
      { product_id: one, type: 'taken', delta: -2 },
      { product_id: two, type: 'taken', delta: -3 },
    ]);
  });

  it('is taken and cancelled: the goods can be sold to somebody else, once', async () => {
    const id = await warehouse.givenProduct(5);
    const items = [{ product_id: id, quantity: 5 }];
    const cancelled = newOrderId();
    await warehouse.decrement(cancelled, items);
    expect((await warehouse.decrement(newOrderId(), items)).status).toBe(409);
    expect((await warehouse.rollback(cancelled)).body.results).toMatchObject([{ restored: 5 }]);
    const next = newOrderId();
    expect((await warehouse.decrement(next, items)).status).toBe(200);
    await warehouse.rollback(cancelled);
    expect(await availableOf(items)).toEqual([0]);
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -5', 'returned 5', 'taken -5']);
  });

  it('is taken, partly sent back, and then as a whole: each product comes back once', async () => {
    const ids = (await warehouse.givenProducts(3, 10)) as [number, number, number];
    const items = ids.map((product_id, index) => ({ product_id, quantity: index + 1 }));
    const order = newOrderId();
    await warehouse.decrement(order, items);
    await warehouse.rollback(order, [{ product_id: ids[2] }]);
    expect(await availableOf(items)).toEqual([9, 8, 10]);
    const repeat = await warehouse.decrement(order, items);
    expect(repeat.body.results).toHaveLength(3);
    expect(await availableOf(items)).toEqual([9, 8, 10]);
    await warehouse.rollback(order);
    expect(await availableOf(items)).toEqual([10, 10, 10]);
    expect(await ledgerOfOrder(order)).toEqual([
      ...items.map(({ product_id, quantity }) => ({ product_id, type: 'taken', delta: -quantity })),
      { product_id: ids[2], type: 'returned', delta: 3 },
      { product_id: ids[0], type: 'returned', delta: 1 },
      { product_id: ids[1], type: 'returned', delta: 2 },
    ]);
  });

  it('competes with the orders of the shop for the same goods', async () => {
    const id = await warehouse.givenProduct(10);
    const place = (quantity: number) =>
      fetch(`${app.url}/api/v1/orders`, {
        method: 'POST',
        headers: { ...warehouse.headers, 'Content-Type': 'application/json' },
        body: JSON.stringify({ items: [{ product_id: id, quantity }] }),
      });
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        index % 2
          ? (await place(1)).status
          : (await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 1 }])).status,
      ),
    );
    expect(answers.filter((status) => status < 300)).toHaveLength(10);
    expect(answers.filter((status) => status === 409)).toHaveLength(10);
    expect(await warehouse.stockOf(id)).toBe(0);
  });
});
