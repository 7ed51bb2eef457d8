import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { Warehouse } from './warehouse.js';

let database: TestDatabase;
let app: TestApp;
let warehouse: Warehouse;

beforeEach(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  warehouse = await Warehouse.of(app, database);
});
afterEach(async () => {
  await app?.close();
  await database?.drop();
});

describe('the summary', () => {
  it('sums up the demo catalog', async () => {
    const { status, body } = await warehouse.get('/summary');
    expect(status).toBe(200);
    expect(body).toEqual({
      products: 5,
      out_of_stock: 0,
      low_stock: 0,
      units: 1_250,
      stock_value: 281_987.5,
      reserved_units: 0,
    });
  });

  it('is all zeros for an empty shop', async () => {
    await database.sql('DELETE FROM products');
    const { body } = await warehouse.get('/summary');
    expect(body).toEqual({
      products: 0,
      out_of_stock: 0,
      low_stock: 0,
      units: 0,
      stock_value: 0,
      reserved_units: 0,
    });
  });

  it('counts what is out, what is low, and what is held; not what is deleted or sold through its variants', async () => {
    await database.sql('DELETE FROM products');
    const held = await warehouse.givenProduct(10, 'price_minor = 999');
    await warehouse.givenProduct(0);
    await warehouse.givenProduct(0, 'low_stock_threshold = 5');
    await warehouse.givenProduct(5, 'low_stock_threshold = 5, active = false');
    await warehouse.givenProduct(6, 'low_stock_threshold = 5');
    await warehouse.givenProduct(50, 'deleted_at = now()');
    const parent = await warehouse.givenProduct(70);
    await warehouse.givenProduct(1, `parent_id = ${parent}`);
    await warehouse.givenHold([{ product_id: held, quantity: 3 }]);
    await warehouse.givenHold([{ product_id: held, quantity: 2 }], { overdue: true });
    const { body } = await warehouse.get('/summary');
    expect(body).toEqual({
      products: 6,
      out_of_stock: 2,
      low_stock: 2,
      units: 7 + 5 + 6 + 1,
      stock_value: 7 * 9.99 + 12 * 10,
      reserved_units: 3,
    });
  });

  it('says how much the largest stock that there can be is worth', async () => {
    await database.sql(
      'UPDATE products SET stock = 2147483647, first_count = 2147483647, price_minor = 100000000000',
    );
    const { status, body } = await warehouse.get('/summary');
    expect([status, body.stock_value]).toEqual([200, 5 * 2_147_483_647 * 1e9]);
  });
});

describe('the list of what is low', () => {
  it('shows what is at or below its threshold, by id, a page at a time', async () => {
    const low = [
      await warehouse.givenProduct(0, 'low_stock_threshold = 5'),
      await warehouse.givenProduct(5, 'low_stock_threshold = 5'),
      await warehouse.givenProduct(3, 'low_stock_threshold = 5, active = false'),
    ];
    await warehouse.givenProduct(6, 'low_stock_threshold = 5');
    await warehouse.givenProduct(0);
    await warehouse.givenProduct(0, 'low_stock_threshold = 5, deleted_at = now()');

    const first = await warehouse.get('/low-stock?limit=2&count=true');
    expect(first.status).toBe(200);
    expect(first.body.products).toEqual([
      { product_id: low[0], sku: expect.any(String), name: 'Lamp', stock: 0, low_stock_threshold: 5 },
      { product_id: low[1], sku: expect.any(String), name: 'Lamp', stock: 5, low_stock_threshold: 5 },
    ]);
    expect(first.body.total).toBe(3);
    const second = await warehouse.get(`/low-stock?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body.products.map(({ product_id }: any) => product_id)).toEqual([low[2]]);
    expect(second.body.next_cursor).toBeNull();
    expect((await warehouse.get('/summary')).body.low_stock).toBe(3);
  });

  it('is empty when nothing is low', async () => {
    expect((await warehouse.get('/low-stock')).body).toEqual({ products: [], next_cursor: null });
  });

  it.each(['limit=0', 'limit=x', 'cursor=abc', 'sort=name'])('refuses %s', async (query) => {
    const { status, body } = await warehouse.get(`/low-stock?${query}`);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });
});
