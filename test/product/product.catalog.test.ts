import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenCustomer } from '../support/given.js';

let database: TestDatabase;
let app: TestApp;
let admin: { token: string };

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await givenAdmin(app, database);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const get = (path: string, token?: string) => {
  const call = request(app.url).get(`/api/v1/products${path}`);
  return token ? call.set('Authorization', `Bearer ${token}`) : call;
};

interface Listed {
  id: number;
  name: string;
  price: number;
  stock: number;
}

const listed = async (query: string, token?: string): Promise<Listed[]> =>
  (await get(query, token).expect(200)).body.products;

const namesOf = (products: Listed[]) => products.map(({ name }) => name);

describe('the demo catalog', () => {
  it('has exactly these five', async () => {
    const { body } = await get('').expect(200);
    expect(body.next_cursor).toBeNull();
    expect(body.products.map(({ id, name, price, stock }: Listed) => [id, name, price, stock])).toEqual([
      [1, 'Laptop', 1299.99, 100],
      [2, 'Mouse', 29.99, 500],
      [3, 'Keyboard', 89.99, 300],
      [4, 'Monitor', 399.99, 150],
      [5, 'Headphones', 249.99, 200],
    ]);
  });

  it('shows the public every member but the low stock threshold', async () => {
    const { body } = await get('/1').expect(200);
    expect(body).toEqual({
      id: 1,
      sku: 'LAPTOP-001',
      name: 'Laptop',
      description: 'A light 14-inch laptop with a long battery life.',
      price: 1299.99,
      currency: 'USD',
      image_url: null,
      category: 'computers',
      storefront_id: null,
      parent_id: null,
      stock: 100,
      in_stock: true,
      active: true,
      version: 1,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
      variants: [],
    });
    expect((await listed(''))[0]).toEqual(body);
  });

  it('shows an admin the low stock threshold, too, and a customer not', async () => {
    const customer = await givenCustomer(app);
    expect((await get('/1', admin.token).expect(200)).body.low_stock_threshold).toBe(10);
    expect((await listed('', admin.token))[0]).toHaveProperty('low_stock_threshold', 10);
    expect((await get('/1', customer.token).expect(200)).body).not.toHaveProperty('low_stock_threshold');
    expect((await listed('', customer.token))[0]).not.toHaveProperty('low_stock_threshold');
  });
});

describe('filtering', () => {
  it('narrows by category', async () => {
    expect(namesOf(await listed('?category=accessories'))).toEqual(['Mouse', 'Keyboard']);
    expect(await listed('?category=Accessories')).toEqual([]);
    expect(await listed(`?category=${encodeURIComponent("x' OR true --")}`)).toEqual([]);
  });

  it('narrows by price, bounds included', async () => {
    expect(namesOf(await listed('?min_price=89.99&max_price=399.99'))).toEqual([
      'Keyboard',
      'Monitor',
      'Headphones',
    ]);
    expect(namesOf(await listed('?max_price=29.98'))).toEqual([]);
    expect(namesOf(await listed('?min_price=0&max_price=29.99'))).toEqual(['Mouse']);
    expect(namesOf(await listed('?min_price=1000&max_price=1'))).toEqual([]);
  });

  it('narrows by what is in stock', async () => {
    await database.sql('UPDATE products SET stock = 0 WHERE id = 4');
    expect(namesOf(await listed('?in_stock=false'))).toEqual(['Monitor']);
    expect(namesOf(await listed('?in_stock=true&category=displays'))).toEqual([]);
    expect((await get('/4').expect(200)).body).toMatchObject({ stock: 0, in_stock: false });
    await database.sql('UPDATE products SET stock = 150 WHERE id = 4');
  });

  it('counts what the filter lets through, when asked to', async () => {
    expect((await get('?count=true&limit=1&category=accessories').expect(200)).body.total).toBe(2);
    expect((await get('?count=true&category=none').expect(200)).body).toEqual({
      products: [],
      next_cursor: null,
      total: 0,
    });
    expect((await get('?count=false').expect(200)).body).not.toHaveProperty('total');
  });

  it.each([
    ['min_price', 'abc'],
    ['min_price', '-1'],
    ['min_price', ''],
    ['min_price', '1e3'],
    ['min_price', 'NaN'],
    ['min_price', '10.005'],
    ['max_price', '1000000001'],
    ['max_price', '1&max_price=2'],
    ['in_stock', 'yes'],
    ['category', ''],
    ['category', 'a&category=b'],
    ['category', '%00'],
    ['category', 'x'.repeat(101)],
    ['sort', 'sku'],
    ['sort', ''],
    ['sort', 'constructor'],
    ['limit', '0'],
    ['limit', '101'],
    ['limit', '-1'],
    ['limit', 'abc'],
    ['limit', '1.5'],
    ['count', '1'],
    ['cursor', 'abc'],
    ['cursor', ''],
    ['q', ''],
    ['q', '%20%20'],
    ['q', 'x'.repeat(201)],
    ['q', '%00'],
    ['q', 'a&q=b'],
    ['storefront_id', '0'],
    ['storefront_id', 'abc'],
    ['storefront_id', '2147483648'],
    ['storefront_id', ''],
  ])('refuses %s=%s and names the field', async (field, value) => {
    const { status, body } = await get(`?${field}=${value}`);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'validation_failed' });
    expect(body.errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
    expect(body.detail).toContain(field);
  });
});

describe('walking through the pages', () => {
  /** Thirty products in three price ties and three name ties. */
  beforeAll(async () => {
    await database.sql(
      `INSERT INTO products (sku, name, price_minor, category, stock, first_count)
       SELECT 'WALK-' || i, 'Walk ' || i % 3, 500 + i % 3, 'walk', i, i FROM generate_series(1, 30) AS i`,
    );
  });

  async function walk(query: string, limit: number): Promise<Listed[]> {
    const seen: Listed[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 40; page++) {
      const from: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await get(`?category=walk&limit=${limit}${query}${from}`).expect(200);
      expect(body.products.length).toBeLessThanOrEqual(limit);
      seen.push(...body.products);
      cursor = body.next_cursor;
      if (cursor === null) return seen;
    }
    throw new Error('the walk does not end');
  }

  type Order = (a: Listed, b: Listed) => number;
  const byId: Order = (a, b) => a.id - b.id;
  const byName: Order = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : byId(a, b));
  const byPrice: Order = (a, b) => a.price - b.price || byId(a, b);
  const orders: [string, Order][] = [
    ['', byId],
    ['&sort=name', byName],
    ['&sort=price', byPrice],
    ['&sort=-price', (a, b) => byPrice(b, a)],
    ['&sort=newest', (a, b) => byId(b, a)],
  ];

  it.each(orders)('meets each product once, in order, ties included (%s)', async (query, order) => {
    for (const limit of [7, 10, 100]) {
      const seen = await walk(query, limit);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(30);
      expect(seen).toHaveLength(30);
      expect(seen).toEqual(seen.toSorted(order));
    }
  });

  it('says that there is no more exactly when there is no more', async () => {
    expect((await get('?category=walk&limit=30').expect(200)).body.next_cursor).toBeNull();
    expect((await get('?category=walk&limit=29').expect(200)).body.next_cursor).toEqual(expect.any(String));
  });

  it('shows twenty when not told how many', async () => {
    expect(await listed('')).toHaveLength(20);
  });

  it('is not disturbed by what comes and goes meanwhile', async () => {
    const { body } = await get('?category=walk&limit=10').expect(200);
    await database.sql(`UPDATE products SET deleted_at = now() WHERE id = $1`, [body.products[9].id]);
    const { body: next } = await get(`?category=walk&limit=10&cursor=${body.next_cursor}`).expect(200);
    expect(next.products[0].id).toBe(body.products[9].id + 1);
    await database.sql(`UPDATE products SET deleted_at = NULL WHERE id = $1`, [body.products[9].id]);
  });

  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('refuses a cursor of another order, and one that nobody gave out', async () => {
    const { body } = await get('?limit=1&sort=name').expect(200);
    for (const cursor of [
      `${body.next_cursor}&sort=price`,
      body.next_cursor,
      forged(['id']),
      forged(['id', '1']),
      forged(['id', 1.5]),
      forged(['id', null]),
      forged({ id: 1 }),
      '%00',
      '{}',
    ]) {
      const answer = await get(`?cursor=${cursor}`);
      expect(answer.body).toMatchObject({
        status: 400,
        code: 'validation_failed',
        error: 'cursor is not one of ours',
      });
    }
  });

  it('answers a cursor beyond all ids with an empty page', async () => {
    expect(await listed(`?cursor=${forged(['id', Number.MAX_SAFE_INTEGER])}`)).toEqual([]);
  });
});

describe('what is not for the public', () => {
  async function givenHidden(column: string): Promise<number> {
    const [row] = await database.sql<{ id: number }>(
      `INSERT INTO products (sku, name, price_minor, category, stock, first_count, ${column})
       VALUES (gen_random_uuid(), 'Hidden', 100, 'hidden', 1, 1, $1) RETURNING id`,
      [column === 'active' ? false : new Date()],
    );
    return row!.id;
  }

  it('is an inactive product: only admins see it', async () => {
    const id = await givenHidden('active');
    const customer = await givenCustomer(app);
    for (const token of [undefined, customer.token]) {
      const answer = await get(`/${id}`, token);
      expect(answer.body).toMatchObject({ status: 404, code: 'not_found', error: 'product not found' });
      expect(await listed('?category=hidden', token)).toEqual([]);
      expect((await get('?category=hidden&count=true', token)).body.total).toBe(0);
    }
    expect((await get(`/${id}`, admin.token).expect(200)).body).toMatchObject({ id, active: false });
    expect(await listed('?category=hidden', admin.token)).toMatchObject([{ id }]);
  });

  it('is a deleted product: nobody sees it', async () => {
    const id = await givenHidden('deleted_at');
    await get(`/${id}`).expect(404);
    await get(`/${id}`, admin.token).expect(404);
    expect((await listed('?category=hidden', admin.token)).map((product) => product.id)).not.toContain(id);
  });
});

describe('an id', () => {
  it('that no product has is 404', async () => {
    const { body } = await get('/999999');
    expect(body).toMatchObject({
      status: 404,
      code: 'not_found',
      detail: 'product not found',
      error: 'product not found',
    });
  });

  it.each(['0', '-1', 'abc', '1.5', '2147483648', '%00'])('%s is malformed and 400', async (id) => {
    expect((await get(`/${id}`)).body).toMatchObject({
      status: 400,
      code: 'validation_failed',
      errors: [{ field: 'id', message: 'id must be a positive integer' }],
    });
  });
});

it('refuses a token that is none, even where no token is needed', async () => {
  expect((await get('', 'nonsense')).status).toBe(401);
});
