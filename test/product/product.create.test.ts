import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin } from '../support/given.js';
import { expectFault, FAULTS } from './product.faults.js';

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

type Method = 'get' | 'post' | 'patch' | 'delete';

const call = (method: Method, path = '', token: string | null = admin.token) => {
  const to = request(app.url)[method](`/api/v1/products${path}`);
  return token ? to.set('Authorization', `Bearer ${token}`) : to;
};

let count = 0;
const wish = (members: object = {}) => ({ sku: `LAMP-${++count}`, name: 'Lamp', price: 19.9, ...members });
const create = (members: object = {}) => call('post').send(wish(members));

async function givenProduct(members: object = {}) {
  return (await create(members).expect(201)).body as {
    id: number;
    sku: string;
    version: number;
    updated_at: string;
  };
}

const rowsOf = (sku: string) => database.sql('SELECT * FROM products WHERE sku = $1', [sku]);

describe('making a product', () => {
  it('answers 201 with all of it', async () => {
    const product = wish({
      description: 'Bright.\nAnd warm.',
      category: 'light',
      image_url: 'https://shop.example/lamp.png?size=2#x',
      low_stock_threshold: 3,
      stock: 12,
    });
    const { status, body } = await call('post').send(product);
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      ...product,
      currency: 'USD',
      storefront_id: null,
      parent_id: null,
      in_stock: true,
      views: 0,
      active: true,
      version: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      variants: [],
    });
    expect((await call('get', `/${body.id}`).expect(200)).body).toEqual(body);
  });

  it('needs a sku, a name and a price, and fills in the rest', async () => {
    expect((await create().expect(201)).body).toMatchObject({
      description: '',
      category: null,
      image_url: null,
      low_stock_threshold: 0,
      stock: 0,
      in_stock: false,
      active: true,
    });
    for (const member of ['sku', 'name', 'price']) expectFault(await create({ [member]: undefined }), member);
  });

  it('takes the first count of stock down, so that the ledger adds up', async () => {
    const { sku } = await givenProduct({ stock: 12 });
    expect(await rowsOf(sku)).toMatchObject([{ stock: 12, first_count: 12 }]);
  });

  it.each([0.01, 1, 0.29, 1.15, 19.99, 999_999_999.99, 1_000_000_000])(
    'keeps the price %d exact',
    async (price) => {
      const { id, sku } = await givenProduct({ price });
      expect((await call('get', `/${id}`)).body.price).toBe(price);
      expect(Number((await rowsOf(sku))[0]!.price_minor)).toBe(Math.round(price * 100));
    },
  );

  it('trims the white space around sku, name and category', async () => {
    const sku = `LAMP-${++count}`;
    const { body } = await create({ sku: ` ${sku} `, name: ' Lamp ', category: ' light ' }).expect(201);
    expect(body).toMatchObject({ sku, name: 'Lamp', category: 'light' });
  });

  it('counts characters as people do', async () => {
    expect((await create({ name: '💡'.repeat(200) }).expect(201)).body.name).toBe('💡'.repeat(200));
    expectFault(await create({ name: '💡'.repeat(201) }), 'name');
  });

  it.each(FAULTS)('refuses %s = %j', async (field, value) => {
    expectFault(await create({ [field]: value }), field);
  });

  it.each([-1, 1.5, '5', null, 2 ** 31, true])('refuses stock = %j', async (stock) => {
    expectFault(await create({ stock }), 'stock');
  });

  it('takes as much stock as a count can hold', async () => {
    expect((await create({ stock: 2 ** 31 - 1 }).expect(201)).body.stock).toBe(2_147_483_647);
  });

  it.each(['1e999', '-1e999', 'NaN', 'Infinity', '1e400'])('refuses the price %s', async (price) => {
    const text = `{"sku":"NOT-MADE","name":"Lamp","price":${price}}`;
    const answer = await call('post').set('Content-Type', 'application/json').send(text);
    expect(answer.status).toBe(400);
    expect(answer.type).toBe('application/problem+json');
    expect(await rowsOf('NOT-MADE')).toEqual([]);
  });

  it('names every fault at once', async () => {
    const { body } = await call('post').send({ sku: '', name: 5, price: -1, stock: 0.5, nonsense: 1 });
    const fields = body.errors.map((fault: { field: string }) => fault.field);
    expect(fields.sort()).toEqual(['name', 'nonsense', 'price', 'sku', 'stock']);
  });

  it('refuses what is no JSON object', async () => {
    const post = (text: string) => call('post').set('Content-Type', 'application/json').send(text);
    expect((await post('{"sku":')).body).toMatchObject({ status: 400 });
    for (const text of ['[]', '[{}]', '"x"', '5', 'true']) {
      expect((await post(text)).body).toMatchObject({ status: 400, code: 'validation_failed' });
    }
    expect((await post('')).body).toMatchObject({ status: 400, code: 'validation_failed' });
    expect((await call('post').set('Content-Type', 'text/plain').send('x')).status).toBe(415);
  });

  it('refuses a sku that a living product has', async () => {
    const { sku } = await givenProduct();
    expect((await create({ sku })).body).toMatchObject({
      status: 409,
      code: 'sku_taken',
      error: `the sku ${sku} is already taken`,
    });
    expect(await rowsOf(sku)).toHaveLength(1);
  });

  it("lets a deleted product's sku be used again", async () => {
    const { id, sku } = await givenProduct();
    await call('delete', `/${id}`).expect(204);
    expect((await create({ sku }).expect(201)).body.id).not.toBe(id);
  });

  it('happens once for one idempotency key', async () => {
    const product = wish();
    const post = (body: object) => call('post').set('Idempotency-Key', 'lamp-1').send(body);
    const first = await post(product).expect(201);
    const again = await post(product).expect(201);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await rowsOf(product.sku)).toHaveLength(1);
    expect((await post(wish())).body).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    expect((await call('post').set('Idempotency-Key', 'two words').send(wish())).status).toBe(400);
  });
});

describe('the currency', () => {
  it('decides how fine a price may be', async () => {
    const japan = await bootApp(database, { CURRENCY: 'JPY' });
    const post = (price: number) =>
      request(japan.url)
        .post('/api/v1/products')
        .set('Authorization', `Bearer ${admin.token}`)
        .send(wish({ price }));
    expect((await post(1_500).expect(201)).body).toMatchObject({ price: 1_500, currency: 'JPY' });
    expectFault(await post(1_500.5), 'price');
    await japan.close();
  });
});
