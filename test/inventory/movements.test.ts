import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { newOrderId, outcomesOf, times, Warehouse } from './warehouse.js';

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

const enter = (body: object, headers = {}) => warehouse.post('/movements', body, headers);

describe('entering a movement', () => {
  it('lets goods come in', async () => {
    const id = await warehouse.givenProduct(10);
    const { status, body } = await enter({
      product_id: id,
      type: 'in',
      quantity: 5,
      reason: 'delivery',
      notes: 'two boxes,\none open',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      movement: {
        id: expect.any(Number),
        product_id: id,
        type: 'in',
        delta: 5,
        stock_after: 15,
        order_id: null,
        reason: 'delivery',
        notes: 'two boxes,\none open',
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      stock_before: 10,
      stock_after: 15,
    });
    expect(await warehouse.stockOf(id)).toBe(15);
    const events = await database.sql(
      `SELECT data FROM events WHERE type = 'stock.changed' AND (data ->> 'product_id')::int = $1`,
      [id],
    );
    expect(events).toEqual([{ data: { product_id: id, stock: 15, sequence: 1 } }]);
  });

  it('lets goods go out, to the last piece', async () => {
    const id = await warehouse.givenProduct(10);
    const { status, body } = await enter({ product_id: id, type: 'out', quantity: 10, reason: 'broken' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ movement: { type: 'out', delta: -10 }, stock_before: 10, stock_after: 0 });
  });

  it('lets out no more than there is, and writes no row then', async () => {
    const id = await warehouse.givenProduct(10);
    const { status, body } = await enter({ product_id: id, type: 'out', quantity: 11 });
    expect([status, body.code]).toEqual([409, 'insufficient_stock']);
    expect(body.items).toEqual([{ product_id: id, requested: 11, available: 10 }]);
    expect(await warehouse.ledgerOf(id)).toEqual([]);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('lets out what an overdue hold keeps', async () => {
    const id = await warehouse.givenProduct(10);
    await warehouse.givenHold([{ product_id: id, quantity: 8 }], { overdue: true });
    expect((await enter({ product_id: id, type: 'out', quantity: 10 })).body).toMatchObject({
      stock_after: 0,
    });
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -8', 'returned 8', 'out -10']);
  });

  it('sets the count by an adjustment: up, down, to none, and to what it was', async () => {
    const id = await warehouse.givenProduct(10);
    const steps = [];
    for (const quantity of [12, 3, 0, 0]) {
      const { body } = await enter({ product_id: id, type: 'adjustment', quantity });
      steps.push([body.stock_before, body.movement.delta, body.stock_after]);
    }
    expect(steps).toEqual([
      [10, 2, 12],
      [12, -9, 3],
      [3, -3, 0],
      [0, 0, 0],
    ]);
    expect(await warehouse.ledgerOf(id)).toEqual([
      'adjustment 2',
      'adjustment -9',
      'adjustment -3',
      'adjustment 0',
    ]);
  });

  it('adjusts only the stock that is expected', async () => {
    const id = await warehouse.givenProduct(10);
    const adjust = (quantity: number, expected_stock: number) =>
      enter({ product_id: id, type: 'adjustment', quantity, expected_stock });
    const { status, body } = await adjust(20, 9);
    expect([status, body.code]).toEqual([409, 'stock_changed']);
    expect(body).toMatchObject({ product_id: id, expected_stock: 9, actual_stock: 10 });
    expect(await warehouse.ledgerOf(id)).toEqual([]);
    expect((await adjust(20, 10)).status).toBe(201);
    expect((await adjust(0, 20)).status).toBe(201);
    expect((await adjust(7, 0)).status).toBe(201);
  });

  it('lets one of eight adjust what all have read', async () => {
    const id = await warehouse.givenProduct(10);
    const answers = await times(8, (index) =>
      enter({ product_id: id, type: 'adjustment', quantity: 100 + index, expected_stock: 10 }),
    );
    expect(outcomesOf(answers)).toEqual(['201', ...Array(7).fill('409 stock_changed')]);
  });

  it('counts up to the highest number that there is, and not beyond', async () => {
    const id = await warehouse.givenProduct(1);
    const { status, body } = await enter({ product_id: id, type: 'in', quantity: 2_147_483_647 });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(body.error).toBe(`the stock of product ${id} would go beyond 2147483647`);
    expect((await enter({ product_id: id, type: 'in', quantity: 2_147_483_646 })).status).toBe(201);
    expect((await enter({ product_id: id, type: 'adjustment', quantity: 0 })).status).toBe(201);
  });

  it('knows inactive products, and neither deleted nor unknown ones', async () => {
    const inactive = await warehouse.givenProduct(1, 'active = false');
    const deleted = await warehouse.givenProduct(1, 'deleted_at = now()');
    expect((await enter({ product_id: inactive, type: 'in', quantity: 1 })).status).toBe(201);
    for (const product_id of [deleted, 999_999]) {
      const { status, body } = await enter({ product_id, type: 'in', quantity: 1 });
      expect([status, body.error]).toEqual([404, `product ${product_id} not found`]);
    }
  });

  it('is done once for an idempotency key, and answers the same to the letter', async () => {
    const id = await warehouse.givenProduct(10);
    const body = { product_id: id, type: 'in', quantity: 5 };
    const key = { 'Idempotency-Key': `delivery-${id}` };
    const first = await enter(body, key);
    const second = await enter(body, key);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await warehouse.stockOf(id)).toBe(15);
    expect((await enter({ ...body, quantity: 6 }, key)).status).toBe(422);
  });

  it.each<[string, object, string]>([
    ['no type', { quantity: 1 }, 'type must be one of in, out, adjustment'],
    [
      'a type that only orders have',
      { type: 'taken', quantity: 1 },
      'type must be one of in, out, adjustment',
    ],
    [
      'none coming in',
      { type: 'in', quantity: 0 },
      'quantity must be a whole number between 1 and 2147483647',
    ],
    ['less than none going out', { type: 'out', quantity: -1 }, 'quantity must be a whole number between 1'],
    ['a count below none', { type: 'adjustment', quantity: -1 }, 'quantity must be a whole number between 0'],
    ['half a piece', { type: 'in', quantity: 1.5 }, 'quantity must be a whole number'],
    ['no quantity', { type: 'in' }, 'quantity must be a whole number'],
    [
      'an expectation of what comes in',
      { type: 'in', quantity: 1, expected_stock: 5 },
      'only for adjustments',
    ],
    [
      'an expectation below none',
      { type: 'adjustment', quantity: 1, expected_stock: -1 },
      'expected_stock must be',
    ],
    ['a reason of 201 characters', { type: 'in', quantity: 1, reason: 'x'.repeat(201) }, 'reason must be'],
    ['control characters in the notes', { type: 'in', quantity: 1, notes: 'a\u0007' }, 'notes must not have'],
    ['a delta of its own', { type: 'in', quantity: 1, delta: 100 }, 'delta is not a known member'],
    [
      'a stock of its own',
      { type: 'in', quantity: 1, stock_after: 100 },
      'stock_after is not a known member',
    ],
    ['an order of its own', { type: 'in', quantity: 1, order_id: 'WEB-1' }, 'order_id is not a known member'],
    ['a time of its own', { type: 'in', quantity: 1, created_at: '2020-01-01' }, 'created_at is not a known'],
  ])('refuses %s', async (_, body, sentence) => {
    const answer = await enter({ product_id: 1, ...body });
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.error).toContain(sentence);
  });
});

describe('reading the ledger', () => {
  let id: number;
  let order: string;

  beforeAll(async () => {
    id = await warehouse.givenProduct(10);
    order = newOrderId();
    await enter({ product_id: id, type: 'in', quantity: 5 });
    await enter({ product_id: id, type: 'out', quantity: 1 });
    await warehouse.decrement(order, [{ product_id: id, quantity: 4 }]);
    await enter({ product_id: id, type: 'adjustment', quantity: 8 });
    await warehouse.rollback(order);
  });

  const read = async (query: string) => {
    const { status, body } = await warehouse.get(`/movements?product_id=${id}&${query}`);
    expect(status).toBe(200);
    return { ...body, lines: body.movements.map(({ type, delta }: any) => `${type} ${delta}`) } as any;
  };

  it('shows the newest first, each with the stock after it', async () => {
    const { lines, movements, next_cursor } = await read('');
    expect(lines).toEqual(['returned 4', 'adjustment -2', 'taken -4', 'out -1', 'in 5']);
    expect(movements.map(({ stock_after }: any) => stock_after)).toEqual([12, 8, 10, 14, 15]);
    expect(movements.map(({ order_id }: any) => order_id)).toEqual([order, null, order, null, null]);
    expect(next_cursor).toBeNull();
  });

  it('pages without gap or repeat while rows are added', async () => {
    const seen: string[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page++) {
      const { lines, next_cursor, total } = await read(`limit=2&count=true${cursor}`);
      expect(total).toBe(5 + page);
      seen.push(...lines);
      cursor = `&cursor=${next_cursor}`;
      await enter({ product_id: id, type: 'in', quantity: 1 });
    }
    expect(seen).toEqual(['returned 4', 'adjustment -2', 'taken -4', 'out -1', 'in 5']);
    expect(cursor).toBe('&cursor=null');
  });

  it('filters by order and by type', async () => {
    expect((await read(`order_id=${order}`)).lines).toEqual(['returned 4', 'taken -4']);
    expect((await read(`order_id=${order}&type=taken`)).lines).toEqual(['taken -4']);
    expect((await read('type=out&count=true')).total).toBe(1);
    expect((await read('order_id=nobody')).lines).toEqual([]);
  });

  it('filters by time: from is included, to is not', async () => {
    const at = (await read('type=adjustment')).movements[0].created_at as string;
    await database.sql(
      `UPDATE stock_movements SET created_at = date_trunc('milliseconds', created_at) WHERE product_id = $1`,
      [id],
    );
    expect((await read(`type=adjustment&from=${at}`)).lines).toHaveLength(1);
    expect((await read(`type=adjustment&to=${at}`)).lines).toEqual([]);
    expect((await read('from=2999-01-01')).lines).toEqual([]);
    expect((await read('to=2000-01-01T00:00:00Z')).lines).toEqual([]);
  });

  it.each([
    'product_id=x',
    'product_id=0',
    'type=sold',
    'from=yesterday',
    'to=2026-13-01',
    'from=-271821-04-20T00:00:00Z',
    'order_id=',
    'limit=0',
    'limit=101',
    'cursor=abc',
    'kind=in',
  ])('refuses %s', async (query) => {
    const { status, body } = await warehouse.get(`/movements?${query}`);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });
});
