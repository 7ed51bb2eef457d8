import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin } from '../support/given.js';
import { expectProblem, givenProduct, givenShopper, type Method, QUANTITY } from './shopper.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

describe('setting', () => {
  it('sets the quantity whatever it was', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    expect((await shopper.set(1, 99).expect(200)).body.items).toMatchObject([
      { product_id: 1, quantity: 99 },
    ]);
    expect((await shopper.set(1, 1).expect(200)).body.items).toMatchObject([{ product_id: 1, quantity: 1 }]);
  });

  it.each([undefined, null, 0, -1, 1.5, 100, '2', {}])('refuses the quantity %j', async (quantity) => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    expectProblem(await shopper.set(1, quantity), 400, 'validation_failed', QUANTITY);
    expect((await shopper.get()).body.items[0].quantity).toBe(5);
  });

  it('does not know a line that is not there', async () => {
    const shopper = await givenShopper(app);
    expectProblem(await shopper.set(1, 1), 404, 'not_found', 'item not found in cart');
    await shopper.add(1, 1).expect(200);
    expectProblem(await shopper.set(2, 1), 404, 'not_found', 'item not found in cart');
    expectProblem(await shopper.set(999_999, 1), 404, 'not_found', 'item not found in cart');
  });
});

describe('changing by a delta', () => {
  it('adds and takes', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    expect((await shopper.change(1, 3).expect(200)).body.items[0].quantity).toBe(8);
    expect((await shopper.change(1, -7).expect(200)).body.items[0].quantity).toBe(1);
  });

  it('removes the line at 0, and only that line', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    await shopper.add(2, 1).expect(200);
    expect((await shopper.change(1, -5).expect(200)).body.items).toMatchObject([
      { product_id: 2, quantity: 1 },
    ]);
  });

  it.each([-6, -99, -100, -1e9, 95, 99, 100])(
    'refuses %d on a line of 5: the quantity would be out of bounds',
    async (delta) => {
      const shopper = await givenShopper(app);
      await shopper.add(1, 5).expect(200);
      const answer = await shopper.change(1, delta);
      expectProblem(answer, 400, 'validation_failed', QUANTITY);
      expect(answer.body.errors).toEqual([{ field: 'delta', message: QUANTITY }]);
      expect((await shopper.get()).body.items[0].quantity).toBe(5);
    },
  );

  it.each([undefined, null, 0, 0.5, '1', true, [1]])('refuses the delta %j', async (delta) => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    expectProblem(
      await shopper.change(1, delta),
      400,
      'validation_failed',
      'delta must be a whole number other than 0',
    );
  });

  it('does not know a line that is not there', async () => {
    const shopper = await givenShopper(app);
    expectProblem(await shopper.change(1, 1), 404, 'not_found', 'item not found in cart');
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [shopper.id])).toHaveLength(0);
  });
});

describe('removing', () => {
  it('takes one line out, once', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 5).expect(200);
    await shopper.add(2, 1).expect(200);
    expect((await shopper.remove(1).expect(200)).body.items).toMatchObject([{ product_id: 2 }]);
    expectProblem(await shopper.remove(1), 404, 'not_found', 'item not found in cart');
  });

  it('does not know a line that is not there', async () => {
    const shopper = await givenShopper(app);
    expectProblem(await shopper.remove(1), 404, 'not_found', 'item not found in cart');
  });
});

describe('a malformed product id in the path', () => {
  it.each(['0', '-1', 'abc', '1.5', '2147483648', '99999999999999999999', '%00', '1;drop'])(
    '%s is refused',
    async (id) => {
      const shopper = await givenShopper(app);
      const text = 'product_id must be a positive integer';
      expectProblem(await shopper.set(id, 1), 400, 'validation_failed', text);
      expectProblem(await shopper.change(id, 1), 400, 'validation_failed', text);
      expectProblem(await shopper.remove(id), 400, 'validation_failed', text);
    },
  );
});

describe('what a line says of its product', () => {
  it("follows the catalog: today's name and price", async () => {
    const shopper = await givenShopper(app);
    const id = await givenProduct(database, { price_minor: 1_000 });
    await shopper.add(id, 2).expect(200);
    await database.sql(`UPDATE products SET name = 'Lamp II', price_minor = 1234 WHERE id = $1`, [id]);
    expect((await shopper.get()).body).toMatchObject({
      items: [{ product_name: 'Lamp II', price: 12.34, subtotal: 24.68 }],
      total_price: 24.68,
    });
  });

  it('is available as long as the quantity could be had now', async () => {
    const shopper = await givenShopper(app);
    const id = await givenProduct(database, { stock: 2 });
    expect((await shopper.add(id, 2).expect(200)).body.items[0].available).toBe(true);
    expect((await shopper.add(id, 1).expect(200)).body.items[0].available).toBe(false);
  });

  it('stays when the product is archived: visible, not available, and still lowered, set and removed', async () => {
    const shopper = await givenShopper(app);
    const id = await givenProduct(database);
    await shopper.add(id, 5).expect(200);
    const admin = await givenAdmin(app, database);
    await request(app.url)
      .delete(`/api/v1/products/${id}`)
      .set('Authorization', `Bearer ${admin.token}`)
      .expect(204);
    expect((await shopper.get()).body.items).toMatchObject([
      { product_id: id, quantity: 5, available: false },
    ]);
    expectProblem(await shopper.add(id, 1), 404, 'not_found', 'product not found');
    expect((await shopper.change(id, -1).expect(200)).body.items).toMatchObject([
      { quantity: 4, available: false },
    ]);
    expect((await shopper.set(id, 2).expect(200)).body.items).toMatchObject([
      { quantity: 2, available: false },
    ]);
    expect((await shopper.remove(id).expect(200)).body.items).toEqual([]);
  });
});

describe('whose cart it is', () => {
  it("is always the caller's own", async () => {
    const [one, other] = [await givenShopper(app), await givenShopper(app)];
    await one.add(1, 2).expect(200);
    expect((await other.get()).body.items).toEqual([]);
    expectProblem(await other.set(1, 1), 404, 'not_found', 'item not found in cart');
    expectProblem(await other.change(1, 1), 404, 'not_found', 'item not found in cart');
    expectProblem(await other.remove(1), 404, 'not_found', 'item not found in cart');
    await other.clear().expect(200);
    expect((await one.get()).body.items).toMatchObject([{ product_id: 1, quantity: 2 }]);
  });

  it("is nobody's without a token", async () => {
    const calls: [Method, string][] = [
      ['get', ''],
      ['post', '/items'],
      ['put', '/items/1'],
      ['patch', '/items/1'],
      ['delete', '/items/1'],
      ['delete', ''],
    ];
    for (const [method, path] of calls) {
      const answer = await request(app.url)[method](`/api/v1/cart${path}`);
      expect(answer.body).toMatchObject({ status: 401, code: 'unauthenticated' });
    }
  });

  it('lets two users use the same idempotency key', async () => {
    const [one, other] = [await givenShopper(app), await givenShopper(app)];
    await one.add(1, 2).set('Idempotency-Key', 'shared').expect(200);
    const answer = await other.add(1, 2).set('Idempotency-Key', 'shared').expect(200);
    expect(answer.headers['idempotent-replayed']).toBeUndefined();
    expect(answer.body.user_id).toBe(other.id);
  });
});
