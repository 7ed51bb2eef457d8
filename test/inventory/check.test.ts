import { DatabaseService } from '../../src/platform/database/database.service.js';
import { ProductService } from '../../src/product/product.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { times, Warehouse } from './warehouse.js';

let database: TestDatabase;
let app: TestApp;
let warehouse: Warehouse;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  warehouse = await Warehouse.of(app, database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const check = (items: unknown) => warehouse.post('/check', { items });
const available = async (product_id: number) =>
  (await check([{ product_id, quantity: 1 }])).body.items[0].available_quantity;

describe('asking for stock', () => {
  it('needs no token', async () => {
    const answer = await fetch(`${app.url}/api/v1/inventory/check`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ items: [{ product_id: 1, quantity: 1 }] }),
    });
    expect(answer.status).toBe(200);
  });

  it('says yes to exactly what is there', async () => {
    const id = await warehouse.givenProduct(10);
    const { status, body } = await check([{ product_id: id, quantity: 10 }]);
    expect(status).toBe(200);
    expect(body).toEqual({
      all_available: true,
      items: [{ product_id: id, requested_quantity: 10, available_quantity: 10, is_available: true }],
    });
  });

  it('says which line is short, and that not all can be had', async () => {
    const [enough, short] = await warehouse.givenProducts(2, 10);
    const { body } = await check([
      { product_id: enough, quantity: 10 },
      { product_id: short, quantity: 11 },
    ]);
    expect(body).toEqual({
      all_available: false,
      items: [
        { product_id: enough, requested_quantity: 10, available_quantity: 10, is_available: true },
        { product_id: short, requested_quantity: 11, available_quantity: 10, is_available: false },
      ],
    });
  });

  it('sums the lines that name one product, where it is named first', async () => {
    const [one, other] = (await warehouse.givenProducts(2, 10)) as [number, number];
    const { body } = await check([
      { product_id: other, quantity: 6 },
      { product_id: one, quantity: 1 },
      { product_id: other, quantity: 5 },
    ]);
    expect(body.items).toEqual([
      { product_id: other, requested_quantity: 11, available_quantity: 10, is_available: false },
      { product_id: one, requested_quantity: 1, available_quantity: 10, is_available: true },
    ]);
  });

  it('finds nothing of what is unknown, inactive, deleted, sold out or sold only through its variants', async () => {
    const parent = await warehouse.givenProduct(5);
    const variant = await warehouse.givenProduct(5, `parent_id = ${parent}`);
    expect(await available(999_999)).toBe(0);
    expect(await available(await warehouse.givenProduct(5, 'active = false'))).toBe(0);
    expect(await available(await warehouse.givenProduct(5, 'deleted_at = now()'))).toBe(0);
    expect(await available(await warehouse.givenProduct(0))).toBe(0);
    expect(await available(parent)).toBe(0);
    expect(await available(variant)).toBe(5);
  });

  it('answers a thousand lines', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => ({ product_id: index + 1, quantity: 1 }));
    const { status, body } = await check(items);
    expect(status).toBe(200);
    expect(body.items.map(({ product_id }: { product_id: number }) => product_id)).toEqual(
      items.map(({ product_id }) => product_id),
    );
  });

  it('answers twenty at once the same, and writes nothing', async () => {
    const traces = `SELECT (SELECT count(*) FROM stock_movements) AS movements, (SELECT count(*) FROM events) AS events,
      (SELECT sum(xmin::text::bigint) FROM products) AS versions`;
    const before = await database.sql(traces);
    const answers = await times(20, () => check([{ product_id: 1, quantity: 100 }]));
    expect(answers.every(({ status, body }) => status === 200 && body.all_available)).toBe(true);
    expect(await database.sql(traces)).toEqual(before);
  });

  it('does not wait for whoever is selling the product', async () => {
    const id = await warehouse.givenProduct(10);
    await app.app.get(DatabaseService).transaction(async (tx) => {
      await app.app.get(ProductService).lockForSale([id], tx);
      expect(await available(id)).toBe(10);
    });
  });

  it('counts what is held as gone, and what an overdue hold keeps as free', async () => {
    const id = await warehouse.givenProduct(10);
    await warehouse.givenHold([{ product_id: id, quantity: 3 }]);
    expect(await available(id)).toBe(7);
    await warehouse.givenHold([{ product_id: id, quantity: 5 }], { overdue: true });
    expect(await available(id)).toBe(7);
    expect(await warehouse.stockOf(id)).toBe(2);
  });

  it.each<[string, unknown, string]>([
    ['no items', undefined, 'items must be a list'],
    ['an empty list', [], 'items must not be empty'],
    ['no list', { product_id: 1, quantity: 1 }, 'items must be a list'],
    [
      'too many items',
      Array(1_001).fill({ product_id: 1, quantity: 1 }),
      'items must have at most 1000 entries',
    ],
    ['an item that is none', [null], 'each item must be an object'],
    ['an item that is an empty list', [[]], 'each item must be an object'],
    ['an item that is a list of items', [[{ product_id: 1, quantity: 1 }]], 'each item must be an object'],
    [
      'a quantity of zero',
      [{ product_id: 1, quantity: 0 }],
      'quantity must be a whole number between 1 and 2147483647',
    ],
    ['a negative quantity', [{ product_id: 1, quantity: -1 }], 'quantity must be a whole number'],
    ['half a piece', [{ product_id: 1, quantity: 0.5 }], 'quantity must be a whole number'],
    ['a quantity in text', [{ product_id: 1, quantity: '1' }], 'quantity must be a whole number'],
    ['more than can be counted', [{ product_id: 1, quantity: 2 ** 31 }], 'quantity must be a whole number'],
    ['no quantity', [{ product_id: 1 }], 'quantity must be a whole number'],
    ['no product', [{ quantity: 1 }], 'product_id must be a positive integer'],
    ['a product in text', [{ product_id: '1', quantity: 1 }], 'product_id must be a positive integer'],
    [
      'a product beyond all ids',
      [{ product_id: 2 ** 31, quantity: 1 }],
      'product_id must be a positive integer',
    ],
    ['an unknown member', [{ product_id: 1, quantity: 1, price: 1 }], 'items.0.price is not a known member'],
  ])('refuses %s', async (_, items, sentence) => {
    const { status, body } = await check(items);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(body.error).toContain(sentence);
  });
});
