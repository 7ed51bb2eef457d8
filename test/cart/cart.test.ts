import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { expectProblem, givenProduct, givenShopper, QUANTITY } from './shopper.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

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

describe('an empty cart', () => {
  it('is no cart: no id, no lines, no totals, no time', async () => {
    const shopper = await givenShopper(app);
    const { status, body } = await shopper.get();
    expect(status).toBe(200);
    expect(body).toEqual({
      cart_id: '',
      user_id: shopper.id,
      items: [],
      total_items: 0,
      total_price: 0,
      updated_at: null,
    });
  });

  it('is what clearing answers, the first time and the second', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 2).expect(200);
    for (const answer of [await shopper.clear(), await shopper.clear()]) {
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ cart_id: '', user_id: shopper.id, items: [], updated_at: null });
    }
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [shopper.id])).toHaveLength(0);
    expect(await database.sql('SELECT FROM cart_lines WHERE user_id = $1', [shopper.id])).toHaveLength(0);
  });

  it('is what is left when the last line goes, whichever way it goes', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 2).expect(200);
    expect((await shopper.remove(1).expect(200)).body).toMatchObject({ cart_id: '', items: [] });
    await shopper.add(1, 2).expect(200);
    expect((await shopper.change(1, -2).expect(200)).body).toMatchObject({ cart_id: '', items: [] });
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [shopper.id])).toHaveLength(0);
  });
});

describe('adding', () => {
  it('answers the whole cart with exact prices', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 2).expect(200);
    const { body } = await shopper.add(2, 3).expect(200);
    expect(body).toEqual({
      cart_id: expect.stringMatching(UUID),
      user_id: shopper.id,
      items: [
        {
          product_id: 1,
          product_name: 'Laptop',
          quantity: 2,
          price: 1299.99,
          subtotal: 2599.98,
          available: true,
        },
        { product_id: 2, product_name: 'Mouse', quantity: 3, price: 29.99, subtotal: 89.97, available: true },
      ],
      total_items: 2,
      total_price: 2689.95,
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect((await shopper.get()).body).toEqual(body);
  });

  it('adds to the line that is there, and keeps the cart and the order of its lines', async () => {
    const shopper = await givenShopper(app);
    const first = await shopper.add(3, 1).expect(200);
    await shopper.add(1, 1).expect(200);
    const { body } = await shopper.add(3, 4).expect(200);
    expect(body.cart_id).toBe(first.body.cart_id);
    expect(body.items).toMatchObject([
      { product_id: 3, quantity: 5 },
      { product_id: 1, quantity: 1 },
    ]);
  });

  it('counts lines, not pieces, in total_items', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 50).expect(200);
    expect((await shopper.get()).body.total_items).toBe(1);
  });

  it.each([undefined, null, 0, -1, 1.5, 100, 1e308, '2', 'two', true, [1], {}])(
    'refuses the quantity %j',
    async (quantity) => {
      const shopper = await givenShopper(app);
      const answer = await shopper.add(1, quantity);
      expectProblem(answer, 400, 'validation_failed', QUANTITY);
      expect(answer.body.errors).toEqual([{ field: 'quantity', message: QUANTITY }]);
      expect((await shopper.get()).body.items).toEqual([]);
    },
  );

  it('refuses a number that JSON can say and a computer cannot hold', async () => {
    const shopper = await givenShopper(app);
    const post = shopper.call('post', '/items').set('Content-Type', 'application/json');
    expectProblem(await post.send('{"product_id":1,"quantity":1e999}'), 400, 'validation_failed', QUANTITY);
  });

  it('refuses to go past 99 and leaves the line as it was', async () => {
    const shopper = await givenShopper(app);
    await shopper.add(1, 60).expect(200);
    expectProblem(await shopper.add(1, 40), 400, 'validation_failed', QUANTITY);
    expect((await shopper.get()).body.items[0].quantity).toBe(60);
    expect((await shopper.add(1, 39).expect(200)).body.items[0].quantity).toBe(99);
  });

  it.each([undefined, null, 0, -1, 1.5, '1', 2 ** 31, {}])(
    'refuses the malformed product id %j',
    async (id) => {
      const shopper = await givenShopper(app);
      expectProblem(
        await shopper.add(id, 1),
        400,
        'validation_failed',
        'product_id must be a positive integer',
      );
    },
  );

  it('does not know a product that is unknown, inactive or deleted', async () => {
    const shopper = await givenShopper(app);
    const inactive = await givenProduct(database, { active: false });
    const deleted = await givenProduct(database);
    await database.sql('UPDATE products SET deleted_at = now() WHERE id = $1', [deleted]);
    for (const id of [999_999, inactive, deleted]) {
      expectProblem(await shopper.add(id, 1), 404, 'not_found', 'product not found');
    }
    expect(await database.sql('SELECT FROM carts WHERE user_id = $1', [shopper.id])).toHaveLength(0);
  });

  it("refuses members that are not the client's to set", async () => {
    const shopper = await givenShopper(app);
    for (const member of ['price', 'user_id', 'subtotal', 'cart_id', 'available']) {
      const answer = await shopper.call('post', '/items').send({ product_id: 1, quantity: 1, [member]: 1 });
      expectProblem(answer, 400, 'validation_failed', `${member} is not a known member`);
      expect(answer.body.errors).toEqual([{ field: member, message: `${member} is not a known member` }]);
    }
    expect((await shopper.get()).body.items).toEqual([]);
  });

  it('refuses what is no JSON, no object, or no body', async () => {
    const shopper = await givenShopper(app);
    const post = () => shopper.call('post', '/items').set('Content-Type', 'application/json');
    expect((await post().send('{"product_id":')).body).toMatchObject({ status: 400 });
    expect((await post().send('[1]')).body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect((await post().send('"1"')).body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect((await post()).body).toMatchObject({ status: 400, code: 'validation_failed' });
  });

  it('happens once for one idempotency key', async () => {
    const shopper = await givenShopper(app);
    const add = (quantity: number) => shopper.add(1, quantity).set('Idempotency-Key', 'add-once');
    const first = await add(2).expect(200);
    const again = await add(2).expect(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await shopper.get()).body.items[0].quantity).toBe(2);
    expect((await add(3)).body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
  });

  it('may use a key again after a refusal', async () => {
    const shopper = await givenShopper(app);
    const id = await givenProduct(database, { active: false });
    const add = () => shopper.add(id, 1).set('Idempotency-Key', 'try-again');
    await add().expect(404);
    await database.sql('UPDATE products SET active = true WHERE id = $1', [id]);
    await add().expect(200);
  });
});
