import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { newOrderId, times, Warehouse } from './warehouse.js';

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

/** An order that has taken so many of each product. */
async function givenTaken(ids: number[], quantity: number): Promise<string> {
  const order = newOrderId();
  const items = ids.map((product_id) => ({ product_id, quantity }));
  expect((await warehouse.decrement(order, items)).status).toBe(200);
  return order;
}

const stocksOf = (ids: number[]) => Promise.all(ids.map((id) => warehouse.stockOf(id)));

describe('giving back', () => {
  it('gives back what was taken, and says what the stock was and is', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    const { status, body } = await warehouse.rollback(order);
    expect(status).toBe(200);
    expect(body).toEqual({
      success: true,
      results: [
        { product_id: id, restored: 4, stock_before: 6, stock_after: 10, already_rolled_back: false },
      ],
    });
    expect(await warehouse.stockOf(id)).toBe(10);
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -4', 'returned 4']);
    const events = await database.sql(
      `SELECT data FROM events WHERE type = 'stock.changed' AND (data ->> 'product_id')::int = $1 ORDER BY id`,
      [id],
    );
    expect(events.at(-1)).toEqual({ data: { product_id: id, stock: 10, sequence: 2 } });
  });

  it('gives back many products at once', async () => {
    const ids = await warehouse.givenProducts(20, 10);
    const { body } = await warehouse.rollback(await givenTaken(ids, 3));
    expect(body.results.map(({ product_id }: { product_id: number }) => product_id)).toEqual(ids);
    expect(await stocksOf(ids)).toEqual(Array(20).fill(10));
  });

  it('gives back only the products that are named, and the others later', async () => {
    const ids = (await warehouse.givenProducts(3, 10)) as [number, number, number];
    const order = await givenTaken(ids, 2);
    const part = await warehouse.rollback(order, [{ product_id: ids[1] }]);
    expect(part.body.results).toEqual([
      { product_id: ids[1], restored: 2, stock_before: 8, stock_after: 10, already_rolled_back: false },
    ]);
    expect(await stocksOf(ids)).toEqual([8, 10, 8]);
    const rest = await warehouse.rollback(order);
    expect(rest.body.results).toEqual([
      { product_id: ids[0], restored: 2, stock_before: 8, stock_after: 10, already_rolled_back: false },
      { product_id: ids[1], restored: 0, stock_before: 10, stock_after: 10, already_rolled_back: true },
      { product_id: ids[2], restored: 2, stock_before: 8, stock_after: 10, already_rolled_back: false },
    ]);
    expect(await stocksOf(ids)).toEqual([10, 10, 10]);
  });

  it('gives back at most the quantity that is named, once a product', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 5);
    const part = await warehouse.rollback(order, [{ product_id: id, quantity: 2 }]);
    expect(part.body.results).toMatchObject([{ restored: 2, stock_after: 7, already_rolled_back: false }]);
    const more = await warehouse.rollback(order, [{ product_id: id, quantity: 3 }]);
    expect(more.body.results).toMatchObject([{ restored: 0, stock_after: 7, already_rolled_back: true }]);
  });

  it('never gives back more than was taken, whatever is asked for', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    const items = [
      { product_id: id, quantity: 2_147_483_647 },
      { product_id: id, quantity: 2_147_483_647 },
    ];
    expect((await warehouse.rollback(order, items)).body.results).toMatchObject([{ restored: 4 }]);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('gives back two variants and their product', async () => {
    const parent = await warehouse.givenProduct(10);
    const variants = [
      await warehouse.givenProduct(10, `parent_id = ${parent}`),
      await warehouse.givenProduct(10, `parent_id = ${parent}`),
    ];
    const ids = [...variants, parent];
    const order = await givenTaken(ids, 3);
    expect(await stocksOf(ids)).toEqual([7, 7, 7]);
    expect((await warehouse.rollback(order)).body.results).toHaveLength(3);
    expect(await stocksOf(ids)).toEqual([10, 10, 10]);
  });

  it('passes over products that the order has not taken, known or not', async () => {
    const [taken, untouched] = (await warehouse.givenProducts(2, 10)) as [number, number];
    const order = await givenTaken([taken], 1);
    const items = [untouched, 999_999, taken].map((product_id) => ({ product_id }));
    const { status, body } = await warehouse.rollback(order, items);
    expect([status, body.results]).toEqual([
      200,
      [{ product_id: taken, restored: 1, stock_before: 9, stock_after: 10, already_rolled_back: false }],
    ]);
    expect(await warehouse.stockOf(untouched)).toBe(10);
    expect((await warehouse.rollback(order, [{ product_id: untouched }])).body.results).toEqual([]);
  });

  it('gives back to a product that was deleted meanwhile', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    await database.sql('UPDATE products SET deleted_at = now() WHERE id = $1', [id]);
    expect((await warehouse.rollback(order)).body.results).toMatchObject([{ restored: 4 }]);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('refuses to lift a count beyond what can be counted', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    await warehouse.post('/movements', { product_id: id, type: 'adjustment', quantity: 2_147_483_645 });
    const { status, body } = await warehouse.rollback(order);
    expect([status, body.error]).toEqual([400, `the stock of product ${id} would go beyond 2147483647`]);
    expect((await warehouse.rollback(order, [{ product_id: id, quantity: 2 }])).status).toBe(200);
  });
});

describe('a rollback that is repeated', () => {
  it('gives back nothing the second and the third time, and says so', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    await warehouse.rollback(order);
    for (let again = 0; again < 2; again++) {
      const { status, body } = await warehouse.rollback(order);
      expect([status, body]).toEqual([
        200,
        {
          success: true,
          results: [
            { product_id: id, restored: 0, stock_before: 10, stock_after: 10, already_rolled_back: true },
          ],
        },
      ]);
    }
    expect(await warehouse.ledgerOf(id)).toEqual(['taken -4', 'returned 4']);
  });

  it('gives back once when five come at the same time, through two processes', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await givenTaken([id], 4);
    const answers = await times(5, (index) => (index % 2 ? warehouse : other).rollback(order));
    const results = answers.map(({ body }) => body.results[0]);
    expect(results.map(({ restored }) => restored).sort()).toEqual([0, 0, 0, 0, 4]);
    expect(results.filter(({ already_rolled_back }) => already_rolled_back)).toHaveLength(4);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('never lifts the stock above where it began, however many parts and wholes are mixed', async () => {
    const ids = await warehouse.givenProducts(4, 10);
    const order = await givenTaken(ids, 7);
    await times(12, (index) => {
      const part = ids.slice(index % 4).map((product_id) => ({ product_id }));
      return (index % 2 ? warehouse : other).rollback(order, index % 3 ? part : undefined);
    });
    expect(await stocksOf(ids)).toEqual([10, 10, 10, 10]);
  });

  it('is answered by its idempotency key as it was the first time', async () => {
    const id = await warehouse.givenProduct(10);
    const order_id = await givenTaken([id], 4);
    const key = { 'Idempotency-Key': `rollback-${id}` };
    const first = await warehouse.post('/rollback', { order_id }, key);
    const second = await warehouse.post('/rollback', { order_id }, key);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
  });
});

describe('a rollback that arrives before its decrement', () => {
  const late = (order: string, ids: number[]) =>
    warehouse.decrement(
      order,
      ids.map((product_id) => ({ product_id, quantity: 1 })),
    );

  it('is remembered: it answers no results, and the late decrement takes nothing', async () => {
    const id = await warehouse.givenProduct(10);
    const order = newOrderId();
    for (let again = 0; again < 2; again++) {
      const { status, body } = await warehouse.rollback(order);
      expect([status, body]).toEqual([200, { success: true, results: [] }]);
    }
    const { status, body } = await late(order, [id]);
    expect([status, body.code]).toEqual([409, 'already_rolled_back']);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('is remembered for the products that it names, and stops no decrement of others', async () => {
    const [one, two] = (await warehouse.givenProducts(2, 10)) as [number, number];
    const order = newOrderId();
    await warehouse.rollback(order, [{ product_id: one }, { product_id: 999_999 }]);
    expect((await late(order, [one, two])).body.code).toBe('already_rolled_back');
    expect((await late(order, [two])).status).toBe(200);
    expect(await stocksOf([one, two])).toEqual([10, 9]);
  });

  it('leaves nothing taken, whichever of the two comes first', async () => {
    const id = await warehouse.givenProduct(10);
    const order_ids = Array.from({ length: 10 }, newOrderId);
    await Promise.all(
      order_ids.flatMap((order) => [
        warehouse.decrement(order, [{ product_id: id, quantity: 1 }]),
        other.rollback(order),
      ]),
    );
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('stops a late reservation, too', async () => {
    const id = await warehouse.givenProduct(10);
    const order_id = newOrderId();
    await warehouse.rollback(order_id);
    const { status, body } = await warehouse.post('/reservations', {
      order_id,
      items: [{ product_id: id, quantity: 1 }],
    });
    expect([status, body.code]).toEqual([409, 'already_rolled_back']);
  });
});

describe('a rollback of what is reserved', () => {
  it('cancels the reservation and gives back what it held, once', async () => {
    const ids = await warehouse.givenProducts(2, 10);
    const order = await warehouse.givenHold(ids.map((product_id) => ({ product_id, quantity: 4 })));
    const { body } = await warehouse.rollback(order);
    expect(body.results).toEqual(
      ids.map((product_id) => ({
        product_id,
        restored: 4,
        stock_before: 6,
        stock_after: 10,
        already_rolled_back: false,
      })),
    );
    expect(
      await database.sql('SELECT status, reason FROM reservations WHERE order_ref = $1', [order]),
    ).toEqual([{ status: 'cancelled', reason: 'rolled back' }]);
    expect((await warehouse.rollback(order)).body.results).toMatchObject([
      { restored: 0, already_rolled_back: true },
      { restored: 0, already_rolled_back: true },
    ]);
    expect(await stocksOf(ids)).toEqual([10, 10]);
  });

  it('is refused for a part of it', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await warehouse.givenHold([{ product_id: id, quantity: 4 }]);
    const { status, body } = await warehouse.rollback(order, [{ product_id: id, quantity: 1 }]);
    expect([status, body.code]).toEqual([409, 'reservation_active']);
    expect(await warehouse.stockOf(id)).toBe(6);
  });

  it('gives back what a confirmed reservation has sold', async () => {
    const id = await warehouse.givenProduct(10);
    const order = await warehouse.givenHold([{ product_id: id, quantity: 4 }]);
    const { body } = await warehouse.get(`/reservations?order_id=${order}`);
    await warehouse.post(`/reservations/${body.reservations[0].id}/confirm`, {});
    expect((await warehouse.rollback(order)).body.results).toMatchObject([{ restored: 4 }]);
    expect(await warehouse.stockOf(id)).toBe(10);
  });

  it('gives back once when the reservation is released at the same moment', async () => {
    const id = await warehouse.givenProduct(10);
    const orders = await times(5, () => warehouse.givenHold([{ product_id: id, quantity: 2 }]));
    const { body } = await warehouse.get('/reservations?status=active&limit=100');
    const reservationOf = (order: string) =>
      body.reservations.find(({ order_id }: { order_id: string }) => order_id === order).id;
    await Promise.all(
      orders.flatMap((order) => [
        warehouse.rollback(order),
        other.post(`/reservations/${reservationOf(order)}/release`, { reason: 'gone' }),
      ]),
    );
    expect(await warehouse.stockOf(id)).toBe(10);
  });
});

describe('a rollback that makes no sense', () => {
  it.each<[string, object, string]>([
    ['no order id', {}, 'order_id is required'],
    ['null for an order id', { order_id: null }, 'order_id is required'],
    ['an empty order id', { order_id: '' }, 'order_id must be between 1 and 64 characters'],
    ['empty items', { order_id: 'X', items: [] }, 'items must not be empty'],
    ['an item that is a list', { order_id: 'X', items: [[]] }, 'each item must be an object'],
    ['no list of items', { order_id: 'X', items: 5 }, 'items must be a list'],
    [
      'a product that is none',
      { order_id: 'X', items: [{ product_id: 0 }] },
      'product_id must be a positive integer',
    ],
    [
      'none of it',
      { order_id: 'X', items: [{ product_id: 1, quantity: 0 }] },
      'quantity must be a whole number',
    ],
    ['an amount of its own', { order_id: 'X', restored: 5 }, 'restored is not a known member'],
  ])('is refused: %s', async (_, body, sentence) => {
    const answer = await warehouse.post('/rollback', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation_failed']);
    expect(answer.body.error).toContain(sentence);
  });

  it("is refused for an order of the shop's own, which is cancelled instead", async () => {
    const id = await warehouse.givenProduct(10);
    const placed = await fetch(`${warehouse.app.url}/api/v1/orders`, {
      method: 'POST',
      headers: { ...warehouse.headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ items: [{ product_id: id, quantity: 1 }] }),
    });
    const order = (await placed.json()) as { id: string };
    for (const order_id of [order.id, order.id.toUpperCase()]) {
      const { status, body } = await warehouse.rollback(order_id);
      expect([status, body.code]).toEqual([409, 'order_not_cancellable']);
      expect(body.error).toContain('cancel it instead');
    }
    expect(await warehouse.stockOf(id)).toBe(9);
  });
});
