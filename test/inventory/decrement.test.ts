import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { newOrderId, outcomesOf, times, Warehouse } from './warehouse.js';

let database: TestDatabase;
const apps: TestApp[] = [];
let warehouse: Warehouse;
let other: Warehouse;

beforeAll(async () => {
  database = await cloneDatabase();
  apps.push(await bootApp(database), await bootApp(database));
  warehouse = await Warehouse.of(apps[0]!, database);
  other = await Warehouse.of(apps[1]!, database);
});
afterEach(async () => {
  expect(await warehouse.violations()).toEqual([]);
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database?.drop();
});

describe('taking goods', () => {
  it('takes them and says what the stock was and is', async () => {
    const id = await warehouse.givenProduct(10);
    const order = newOrderId();
    const { status, body } = await warehouse.decrement(order, [{ product_id: id, quantity: 3 }]);
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      results: [{ product_id: id, stock_before: 10, stock_after: 7 }],
    });
    expect(await warehouse.stockOf(id)).toBe(7);
    const rows = await database.sql(
      'SELECT kind, delta, stock_after, order_ref FROM stock_movements WHERE product_id = $1',
      [id],
    );
    expect(rows).toEqual([{ kind: 'taken', delta: -3, stock_after: 7, order_ref: order }]);
    const events = await database.sql(
      `SELECT data FROM events WHERE type = 'stock.changed' AND (data ->> 'product_id')::int = $1`,
      [id],
    );
    expect(events).toEqual([{ data: { product_id: id, stock: 7, sequence: 1 } }]);
  });

  it('takes several products at once and answers in the order of the lines', async () => {
    const ids = await warehouse.givenProducts(3, 10);
    const lines = ids.toReversed().map((product_id, index) => ({ product_id, quantity: index + 1 }));
    const { body } = await warehouse.decrement(newOrderId(), lines);
    expect(body.results).toEqual(
      lines.map(({ product_id, quantity }) => ({ product_id, stock_before: 10, stock_after: 10 - quantity })),
    );
  });

  it('takes the very last piece', async () => {
    const id = await warehouse.givenProduct(4);
    const { body } = await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 4 }]);
    expect(body.results).toEqual([{ product_id: id, stock_before: 4, stock_after: 0 }]);
  });

  it('sums the lines that name one product', async () => {
    const id = await warehouse.givenProduct(10);
    const twice = [
      { product_id: id, quantity: 3 },
      { product_id: id, quantity: 4 },
    ];
    const { body } = await warehouse.decrement(newOrderId(), twice);
    expect(body.results).toEqual([{ product_id: id, stock_before: 10, stock_after: 3 }]);
    const again = await warehouse.decrement(newOrderId(), twice);
    expect(again.body.items).toEqual([{ product_id: id, requested: 7, available: 3 }]);
  });

  it('takes nothing at all when one line is short, and names every short line', async () => {
    const [enough, short, empty] = [
      await warehouse.givenProduct(10),
      await warehouse.givenProduct(1),
      await warehouse.givenProduct(0),
    ];
    const { status, body } = await warehouse.decrement(newOrderId(), [
      { product_id: enough, quantity: 5 },
      { product_id: short, quantity: 2 },
      { product_id: empty, quantity: 1 },
    ]);
    expect([status, body.code]).toEqual([409, 'insufficient_stock']);
    expect(body.items).toEqual([
      { product_id: short, requested: 2, available: 1 },
      { product_id: empty, requested: 1, available: 0 },
    ]);
    expect(await warehouse.stockOf(enough)).toBe(10);
    expect(await warehouse.ledgerOf(enough)).toEqual([]);
  });

  it('may be asked for again, with the same order id, once there is enough', async () => {
    const id = await warehouse.givenProduct(1);
    const order = newOrderId();
    expect((await warehouse.decrement(order, [{ product_id: id, quantity: 2 }])).status).toBe(409);
    await warehouse.post('/movements', { product_id: id, type: 'in', quantity: 1 });
    expect((await warehouse.decrement(order, [{ product_id: id, quantity: 2 }])).status).toBe(200);
  });

  it('names the products that it does not know, deleted ones among them, and takes nothing', async () => {
    const known = await warehouse.givenProduct(10);
    const deleted = await warehouse.givenProduct(10, 'deleted_at = now()');
    const line = (product_id: number) => ({ product_id, quantity: 1 });
    const unknown = await warehouse.decrement(newOrderId(), [line(known), line(999_999)]);
    expect(unknown.status).toBe(404);
    expect(unknown.body).toMatchObject({ code: 'not_found', error: 'product 999999 not found' });
    const gone = await warehouse.decrement(newOrderId(), [line(known), line(deleted)]);
    expect([gone.status, gone.body.error]).toEqual([404, `product ${deleted} not found`]);
    expect(await warehouse.stockOf(known)).toBe(10);
  });

  it('takes what the shop does not show: inactive products, and products that have variants', async () => {
    const inactive = await warehouse.givenProduct(10, 'active = false');
    const parent = await warehouse.givenProduct(10);
    await warehouse.givenProduct(10, `parent_id = ${parent}`);
    const items = [inactive, parent].map((product_id) => ({ product_id, quantity: 1 }));
    expect((await warehouse.decrement(newOrderId(), items)).status).toBe(200);
  });

  it('takes fifty lines in one go', async () => {
    const ids = await warehouse.givenProducts(50, 3);
    const items = ids.map((product_id) => ({ product_id, quantity: 2 }));
    const { body } = await warehouse.decrement(newOrderId(), items);
    expect(body.results).toHaveLength(50);
    expect(body.results.every(({ stock_after }: { stock_after: number }) => stock_after === 1)).toBe(true);
  });

  it('ends the overdue holds that are in the way', async () => {
    const id = await warehouse.givenProduct(10);
    await warehouse.givenHold([{ product_id: id, quantity: 4 }]);
    const overdue = await warehouse.givenHold([{ product_id: id, quantity: 6 }], { overdue: true });
    const tooMany = await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 7 }]);
    expect(tooMany.body).toMatchObject({ code: 'insufficient_stock', items: [{ available: 6 }] });
    const { status, body } = await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 6 }]);
    expect([status, body.results]).toEqual([200, [{ product_id: id, stock_before: 6, stock_after: 0 }]]);
    expect(await database.sql('SELECT status FROM reservations WHERE order_ref = $1', [overdue])).toEqual([
      { status: 'expired' },
    ]);
  });
});

describe('a decrement that is repeated', () => {
  it('answers the same and takes nothing, whatever it names', async () => {
    const [one, two, three] = (await warehouse.givenProducts(3, 10)) as [number, number, number];
    const order = newOrderId();
    const items = [
      { product_id: two, quantity: 2 },
      { product_id: one, quantity: 1 },
    ];
    const first = await warehouse.decrement(order, items);
    await warehouse.decrement(newOrderId(), items);
    expect((await warehouse.decrement(order, items)).body).toEqual(first.body);
    expect((await warehouse.decrement(order, [{ product_id: three, quantity: 5 }])).body).toEqual(first.body);
    expect((await warehouse.decrement(order, [{ product_id: 999_999, quantity: 5 }])).body).toEqual(
      first.body,
    );
    expect(await Promise.all([one, two, three].map((id) => warehouse.stockOf(id)))).toEqual([8, 6, 10]);
  });

  it('takes once when eight come at the same time, through two processes', async () => {
    const id = await warehouse.givenProduct(10);
    const order = newOrderId();
    const answers = await times(8, (index) =>
      (index % 2 ? warehouse : other).decrement(order, [{ product_id: id, quantity: 2 }]),
    );
    expect(answers.map(({ body }) => body.results)).toEqual(
      Array(8).fill([{ product_id: id, stock_before: 10, stock_after: 8 }]),
    );
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -2']);
  });

  it('is answered by its idempotency key as well, which will not stand for another body', async () => {
    const id = await warehouse.givenProduct(10);
    const body = { order_id: newOrderId(), items: [{ product_id: id, quantity: 2 }] };
    const key = { 'Idempotency-Key': `decrement-${id}` };
    const first = await warehouse.post('/decrement', body, key);
    const second = await warehouse.post('/decrement', body, key);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    const reused = await warehouse.post('/decrement', { ...body, order_id: newOrderId() }, key);
    expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -2']);
  });

  it('answers the same and takes nothing when some of it, or all, has been rolled back since', async () => {
    const ids = await warehouse.givenProducts(2, 10);
    const items = ids.map((product_id) => ({ product_id, quantity: 2 }));
    const order = newOrderId();
    const first = await warehouse.decrement(order, items);
    for (const part of [[{ product_id: ids[0]! }], undefined]) {
      await warehouse.rollback(order, part);
      const again = await warehouse.decrement(order, items);
      expect([again.status, again.body]).toEqual([200, first.body]);
    }
    expect(await Promise.all(ids.map((id) => warehouse.stockOf(id)))).toEqual([10, 10]);
    for (const id of ids) expect(await warehouse.ledgerOf(id)).toEqual(['taken -2', 'returned 2']);
  });
});

describe('many decrements at once', () => {
  it('take ten times five of a hundred', async () => {
    const id = await warehouse.givenProduct(100);
    const answers = await times(10, (index) =>
      (index % 2 ? warehouse : other).decrement(newOrderId(), [{ product_id: id, quantity: 5 }]),
    );
    expect(outcomesOf(answers)).toEqual(Array(10).fill('200'));
    expect(await warehouse.stockOf(id)).toBe(50);
    const steps = answers.map(({ body }) => body.results[0].stock_after as number);
    expect(steps.sort((one, two) => two - one)).toEqual([95, 90, 85, 80, 75, 70, 65, 60, 55, 50]);
  });

  it('let one of two have fifteen of twenty', async () => {
    const id = await warehouse.givenProduct(20);
    const answers = await times(2, (index) =>
      (index ? warehouse : other).decrement(newOrderId(), [{ product_id: id, quantity: 15 }]),
    );
    expect(outcomesOf(answers)).toEqual(['200', '409 insufficient_stock']);
    expect(await warehouse.stockOf(id)).toBe(5);
  });

  it('never lock each other out, though they name the products in opposite order, through two processes', async () => {
    const ids = await warehouse.givenProducts(5, 100);
    const lines = ids.map((product_id) => ({ product_id, quantity: 1 }));
    const answers = await times(20, (index) =>
      index % 2
        ? warehouse.decrement(newOrderId(), lines)
        : other.decrement(newOrderId(), lines.toReversed()),
    );
    expect(outcomesOf(answers)).toEqual(Array(20).fill('200'));
    expect(await Promise.all(ids.map((id) => warehouse.stockOf(id)))).toEqual([80, 80, 80, 80, 80]);
  });

  it('count right a hundred times in a row', async () => {
    const id = await warehouse.givenProduct(100);
    for (let left = 99; left >= 0; left--) {
      const { body } = await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 1 }]);
      expect(body.results[0].stock_after).toBe(left);
    }
    const { status } = await warehouse.decrement(newOrderId(), [{ product_id: id, quantity: 1 }]);
    expect(status).toBe(409);
  });
});

describe('a decrement that makes no sense', () => {
  const line = { product_id: 1, quantity: 1 };

  it.each<[string, object, string]>([
    ['no order id', { items: [line] }, 'order_id is required'],
    ['null for an order id', { order_id: null, items: [line] }, 'order_id is required'],
    ['an empty order id', { order_id: '', items: [line] }, 'order_id must be between 1 and 64 characters'],
    [
      'a long order id',
      { order_id: 'x'.repeat(65), items: [line] },
      'order_id must be between 1 and 64 characters',
    ],
    [
      'a number for an order id',
      { order_id: 5, items: [line] },
      'order_id must be between 1 and 64 characters',
    ],
    [
      'control characters',
      { order_id: 'A\u0000', items: [line] },
      'order_id must not have control characters',
    ],
    ['no items', { order_id: 'X' }, 'items must be a list'],
    ['empty items', { order_id: 'X', items: [] }, 'items must not be empty'],
    ['an item that is a list', { order_id: 'X', items: [[line]] }, 'each item must be an object'],
    ['1001 items', { order_id: 'X', items: Array(1_001).fill(line) }, 'items must have at most 1000 entries'],
    [
      'none of it',
      { order_id: 'X', items: [{ product_id: 1, quantity: 0 }] },
      'quantity must be a whole number',
    ],
    [
      'less than none',
      { order_id: 'X', items: [{ product_id: 1, quantity: -5 }] },
      'quantity must be a whole number',
    ],
    ['a stock to set', { order_id: 'X', items: [line], stock: 5 }, 'stock is not a known member'],
    [
      'a kind to pretend',
      { order_id: 'X', items: [{ ...line, kind: 'in' }] },
      'items.0.kind is not a known member',
    ],
  ])('is refused: %s', async (_, body, sentence) => {
    const answer = await warehouse.post('/decrement', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.error).toContain(sentence);
  });
});

describe('an order id that belongs to something else', () => {
  it("is refused when it is one of the shop's own orders, in whatever case it is written", async () => {
    const id = await warehouse.givenProduct(10);
    const placed = await fetch(`${warehouse.app.url}/api/v1/orders`, {
      method: 'POST',
      headers: { ...warehouse.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ items: [{ product_id: id, quantity: 1 }] }),
    });
    const order = (await placed.json()) as { id: string };
    for (const order_id of [order.id, order.id.toUpperCase()]) {
      const { status, body } = await warehouse.decrement(order_id, [{ product_id: id, quantity: 1 }]);
      expect([status, body.code]).toEqual([409, 'order_not_cancellable']);
    }
    expect(await warehouse.stockOf(id)).toBe(9);
  });

  it('is refused while a reservation holds goods for it, and answers what was taken once that is confirmed', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await warehouse.givenHold([{ product_id: id, quantity: 4 }]);
    const held = await warehouse.decrement(order, [{ product_id: id, quantity: 4 }]);
    expect([held.status, held.body.code]).toEqual([409, 'reservation_active']);
    const { body } = await warehouse.get(`/reservations?order_id=${order}`);
    await warehouse.post(`/reservations/${body.reservations[0].id}/confirm`, {});
    const sold = await warehouse.decrement(order, [{ product_id: id, quantity: 4 }]);
    expect(sold.body.results).toEqual([{ product_id: id, stock_before: 10, stock_after: 6 }]);
    expect(await warehouse.stockOf(id)).toBe(6);
  });

  it('is refused once a reservation for it has given its goods back, or only has to', async () => {
    const id = await warehouse.givenProduct(10);
    const items = [{ product_id: id, quantity: 4 }];
    const released = await warehouse.givenHold(items);
    const { body } = await warehouse.get(`/reservations?order_id=${released}`);
    await warehouse.post(`/reservations/${body.reservations[0].id}/release`, { reason: 'not wanted' });
    const overdue = await warehouse.givenHold(items, { overdue: true });
    for (const order of [released, overdue]) {
      const late = await warehouse.decrement(order, items);
      expect([late.status, late.body.code]).toEqual([409, 'already_rolled_back']);
    }
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -4', 'returned 4', 'taken -4']);
  });
});
