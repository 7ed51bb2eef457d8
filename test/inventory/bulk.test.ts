import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { newOrderId, times, Warehouse } from './warehouse.js';

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

const count = (items: unknown, members = {}, headers = {}) =>
  warehouse.post('/bulk', { items, ...members }, headers);

describe('counting many products', () => {
  it('sets each count and writes an adjustment for it', async () => {
    const [up, down, same] = (await warehouse.givenProducts(3, 10)) as [number, number, number];
    const { status, body } = await count(
      [
        { product_id: up, quantity: 25 },
        { product_id: down, quantity: 0 },
        { product_id: same, quantity: 10, expected_stock: 10 },
      ],
      { reason: 'stocktaking' },
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      results: [
        { index: 0, product_id: up, status: 'updated', stock_before: 10, stock_after: 25 },
        { index: 1, product_id: down, status: 'updated', stock_before: 10, stock_after: 0 },
        { index: 2, product_id: same, status: 'updated', stock_before: 10, stock_after: 10 },
      ],
      updated: 3,
      failed: 0,
    });
    expect(await warehouse.ledgerOf(up)).toEqual(['adjustment 15']);
    expect(await warehouse.ledgerOf(down)).toEqual(['adjustment -10']);
    expect(await warehouse.ledgerOf(same)).toEqual(['adjustment 0']);
    const reasons = await database.sql(
      'SELECT DISTINCT reason FROM stock_movements WHERE product_id = ANY($1)',
      [[up, down, same]],
    );
    expect(reasons).toEqual([{ reason: 'stocktaking' }]);
  });

  it('does the good rows and says of each bad one what is wrong', async () => {
    const [good, changed] = (await warehouse.givenProducts(2, 10)) as [number, number];
    const deleted = await warehouse.givenProduct(10, 'deleted_at = now()');
    const { status, body } = await count([
      { product_id: 999_999, quantity: 1 },
      { product_id: good, quantity: 11 },
      { product_id: changed, quantity: 12, expected_stock: 9 },
      { product_id: deleted, quantity: 13 },
      { product_id: good, quantity: 14 },
      { product_id: changed, quantity: 15 },
    ]);
    expect(status).toBe(200);
    const failed = (index: number, product_id: number, code: string, error: string) => ({
      index,
      product_id,
      status: 'failed',
      code,
      error,
    });
    expect(body).toEqual({
      results: [
        failed(0, 999_999, 'not_found', 'product 999999 not found'),
        { index: 1, product_id: good, status: 'updated', stock_before: 10, stock_after: 11 },
        failed(2, changed, 'stock_changed', `the stock of product ${changed} is 10 now, not 9`),
        failed(3, deleted, 'not_found', `product ${deleted} not found`),
        failed(4, good, 'duplicate_product', `product ${good} is named by an earlier row`),
        failed(5, changed, 'duplicate_product', `product ${changed} is named by an earlier row`),
      ],
      updated: 1,
      failed: 5,
    });
    expect(await warehouse.stockOf(good)).toBe(11);
    expect(await warehouse.stockOf(changed)).toBe(10);
  });

  it('counts a thousand products, and writes nothing when none can be counted', async () => {
    const ids = (
      await database.sql<{ id: number }>(
        `INSERT INTO products (sku, name, price_minor, stock, first_count)
         SELECT 'BULK-' || n, 'Lamp', 1000, 0, 0 FROM generate_series(1, 1000) n RETURNING id`,
      )
    ).map(({ id }) => id);
    const items = ids.map((product_id) => ({ product_id, quantity: 7, expected_stock: 0 }));
    expect((await count(items)).body).toMatchObject({ updated: 1_000, failed: 0 });
    expect((await count(items)).body).toMatchObject({ updated: 0, failed: 1_000 });
    const [{ rows }] = (await database.sql(
      'SELECT count(*)::int AS rows FROM stock_movements WHERE product_id = ANY($1)',
      [ids],
    )) as [{ rows: number }];
    expect(rows).toBe(1_000);
  });

  it('keeps the ledger right while the same products are sold', async () => {
    const ids = await warehouse.givenProducts(5, 1_000);
    await times(30, (index) =>
      index % 3 === 0
        ? count(ids.toReversed().map((product_id) => ({ product_id, quantity: 500 + index })))
        : warehouse.decrement(
            newOrderId(),
            ids.map((product_id) => ({ product_id, quantity: 2 })),
          ),
    );
    const [first, ...others] = await Promise.all(ids.map((id) => warehouse.stockOf(id)));
    expect(others).toEqual(Array(4).fill(first));
  });

  it('is done once for an idempotency key', async () => {
    const id = await warehouse.givenProduct(10);
    const key = { 'Idempotency-Key': `bulk-${id}` };
    const first = await count([{ product_id: id, quantity: 20 }], {}, key);
    await warehouse.post('/movements', { product_id: id, type: 'in', quantity: 1 });
    const second = await count([{ product_id: id, quantity: 20 }], {}, key);
    expect(second.body).toEqual(first.body);
    expect(await warehouse.stockOf(id)).toBe(21);
  });

  it.each<[string, unknown, object, string]>([
    ['no rows', [], {}, 'items must not be empty'],
    ['a row that is a list', [[]], {}, 'each item must be an object'],
    [
      '1001 rows',
      Array(1_001).fill({ product_id: 1, quantity: 1 }),
      {},
      'items must have at most 1000 entries',
    ],
    [
      'a count below none',
      [{ product_id: 1, quantity: -1 }],
      {},
      'quantity must be a whole number between 0',
    ],
    ['no count', [{ product_id: 1 }], {}, 'quantity must be a whole number'],
    ['a difference', [{ product_id: 1, quantity: 1, delta: 1 }], {}, 'items.0.delta is not a known member'],
    ['a price', [{ product_id: 1, quantity: 1, price: 1 }], {}, 'items.0.price is not a known member'],
    [
      'a way around the checks',
      [{ product_id: 1, quantity: 1 }],
      { force: true },
      'force is not a known member',
    ],
  ])('refuses %s as a whole', async (_, items, members, sentence) => {
    const answer = await count(items, members);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.error).toContain(sentence);
  });
});
