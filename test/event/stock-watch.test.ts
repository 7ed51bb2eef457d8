import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenCustomer } from '../support/given.js';
import { bootWith, tell, untilQueuesAreEmpty } from './given-consumer.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootWith(database, []);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const PRODUCT = 1;

beforeEach(async () => {
  await database.sql('DELETE FROM stock_watch');
  await database.sql(`DELETE FROM events WHERE type = 'stock.low'`);
  await database.sql('UPDATE products SET low_stock_threshold = 5 WHERE id = $1', [PRODUCT]);
});

/** Tells counts of the product's stock by their sequence, in this order and all at once. */
async function hears(...counts: [sequence: number, stock: number][]): Promise<void> {
  await tell(
    app,
    ...counts.map(([sequence, stock]) => ({
      type: 'stock.changed' as const,
      data: { product_id: PRODUCT, stock, sequence },
    })),
  );
  await untilQueuesAreEmpty(database);
}

const known = async () =>
  (await database.sql<{ sequence: string; stock: number }>('SELECT sequence, stock FROM stock_watch')).map(
    ({ sequence, stock }) => [Number(sequence), stock],
  );

const lows = async () =>
  (await database.sql(`SELECT data FROM events WHERE type = 'stock.low' ORDER BY id`)).map(
    ({ data }) => data,
  );

describe('the watch on the stock', () => {
  it('keeps the newest count and ignores an older one that comes later', async () => {
    await hears([7, 20]);
    await hears([6, 30]);
    expect(await known()).toEqual([[7, 20]]);
    await hears([9, 18], [8, 19]);
    expect(await known()).toEqual([[9, 18]]);
  });

  it('tells that the stock is low once, until it has been above its threshold again', async () => {
    await hears([1, 6]);
    await hears([2, 5]);
    await hears([3, 4]);
    expect(await lows()).toEqual([{ product_id: PRODUCT, stock: 5, sequence: 2, low_stock_threshold: 5 }]);
    await hears([4, 6]);
    await hears([5, 0]);
    expect((await lows()).map(({ sequence }) => sequence)).toEqual([2, 5]);
  });

  it('does not tell of an old low count', async () => {
    await hears([5, 20]);
    await hears([4, 1]);
    expect(await lows()).toEqual([]);
  });

  it('has nothing to tell about a product without a threshold', async () => {
    await database.sql('UPDATE products SET low_stock_threshold = 0 WHERE id = $1', [PRODUCT]);
    await hears([1, 1], [2, 0]);
    expect(await known()).toEqual([[2, 0]]);
    expect(await lows()).toEqual([]);
  });

  it('hears of every change that an order makes', async () => {
    await database.sql('UPDATE products SET stock = 6, first_count = 6 WHERE id = $1', [PRODUCT]);
    const { headers } = await givenCustomer(app);
    const answer = await fetch(`${app.url}/api/v1/orders`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ items: [{ product_id: PRODUCT, quantity: 2 }], payment_method: 'credit_card' }),
    });
    expect(answer.status).toBe(201);
    await eventually(async () => (await lows()).length > 0, { what: 'stock.low' });
    expect(await lows()).toEqual([expect.objectContaining({ product_id: PRODUCT, stock: 4 })]);
  });
});
