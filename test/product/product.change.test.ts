import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenCustomer } from '../support/given.js';
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

describe('changing a product', () => {
  it('changes what is named, leaves the rest, and raises the version by one', async () => {
    const before = await givenProduct({ category: 'light', stock: 5, description: 'Bright.' });
    const { body } = await call('patch', `/${before.id}`).send({ name: 'Lamp II', price: 25 }).expect(200);
    expect(body).toEqual({
      ...before,
      name: 'Lamp II',
      price: 25,
      version: 2,
      updated_at: expect.any(String),
    });
    expect(Date.parse(body.updated_at)).toBeGreaterThanOrEqual(Date.parse(before.updated_at));
    expect((await call('get', `/${before.id}`)).body).toEqual(body);
  });

  it("can change every member that is the admin's to set", async () => {
    const { id } = await givenProduct();
    const change = {
      sku: `LAMP-${++count}`,
      name: 'Lamp II',
      description: 'Warm.',
      price: 0.5,
      category: 'warm',
      image_url: 'http://shop.example/2.png',
      low_stock_threshold: 9,
      active: false,
    };
    expect((await call('patch', `/${id}`).send(change).expect(200)).body).toMatchObject({
      ...change,
      version: 2,
    });
  });

  it('takes category and image away with null', async () => {
    const { id } = await givenProduct({ category: 'light', image_url: 'https://shop.example/1.png' });
    const { body } = await call('patch', `/${id}`).send({ category: null, image_url: null }).expect(200);
    expect(body).toMatchObject({ category: null, image_url: null, version: 2 });
  });

  it('leaves a product alone that there is nothing to change about', async () => {
    const before = await givenProduct({ category: 'light' });
    for (const change of [
      {},
      { version: 1 },
      { name: 'Lamp', price: 19.9, category: 'light', active: true },
    ]) {
      expect((await call('patch', `/${before.id}`).send(change).expect(200)).body).toEqual(before);
    }
    expect((await call('patch', `/${before.id}`).expect(200)).body).toEqual(before);
  });

  it('is refused when it was made from another version', async () => {
    const { id } = await givenProduct();
    await call('patch', `/${id}`).send({ price: 20, version: 1 }).expect(200);
    for (const change of [{ price: 30, version: 1 }, { price: 30, version: 3 }, { version: 1 }]) {
      const answer = await call('patch', `/${id}`).send(change);
      expect(answer.body).toMatchObject({
        status: 409,
        code: 'version_conflict',
        error: `the product has version 2 now, not ${change.version}; read it again`,
      });
      expect(answer.headers['retry-after']).toBeUndefined();
    }
    expect((await call('patch', `/${id}`).send({ price: 30, version: 2 }).expect(200)).body.version).toBe(3);
  });

  it.each([0, -1, 1.5, '1', null, 2 ** 31, {}])('refuses version = %j', async (version) => {
    const { id } = await givenProduct();
    expectFault(await call('patch', `/${id}`).send({ version, price: 5 }), 'version');
  });

  it.each([5, 0, -1, null, 'five'])('refuses stock = %j: the ledger is the only way', async (stock) => {
    const { id } = await givenProduct({ stock: 7 });
    const answer = await call('patch', `/${id}`).send({ stock, price: 5 });
    expectFault(answer, 'stock');
    expect(answer.body.error).toBe('stock changes only through inventory');
    expect((await call('get', `/${id}`)).body).toMatchObject({ stock: 7, price: 19.9, version: 1 });
  });

  it.each(FAULTS)('refuses %s = %j', async (field, value) => {
    const { id } = await givenProduct();
    expectFault(await call('patch', `/${id}`).send({ [field]: value }), field);
  });

  it('refuses a sku that another product has, and keeps its own', async () => {
    const [one, other] = [await givenProduct(), await givenProduct()];
    const answer = await call('patch', `/${one.id}`).send({ sku: other.sku });
    expect(answer.body).toMatchObject({
      status: 409,
      code: 'sku_taken',
      error: `the sku ${other.sku} is already taken`,
    });
    await call('patch', `/${one.id}`).send({ sku: one.sku }).expect(200);
  });

  it('hides a product that is made inactive', async () => {
    const { id } = await givenProduct();
    await call('patch', `/${id}`).send({ active: false }).expect(200);
    await call('get', `/${id}`, null).expect(404);
    await call('patch', `/${id}`).send({ active: true }).expect(200);
    await call('get', `/${id}`, null).expect(200);
  });

  it('does not know what is not there', async () => {
    const { id } = await givenProduct();
    await call('delete', `/${id}`).expect(204);
    for (const unknown of [id, 999_999]) {
      const answer = await call('patch', `/${unknown}`).send({ price: 5 });
      expect(answer.body).toMatchObject({ status: 404, code: 'not_found', error: 'product not found' });
      expect((await call('patch', `/${unknown}`).send({ version: 1 })).status).toBe(404);
    }
    expectFault(await call('patch', '/abc').send({}), 'id');
  });
});

describe('deleting a product', () => {
  it('answers 204 with nothing; then there is no such product', async () => {
    const { id, sku } = await givenProduct();
    const answer = await call('delete', `/${id}`).expect(204);
    expect(answer.text).toBe('');
    await call('get', `/${id}`, null).expect(404);
    await call('get', `/${id}`).expect(404);
    expect((await call('delete', `/${id}`)).body).toMatchObject({ status: 404, error: 'product not found' });
    expect(await rowsOf(sku)).toMatchObject([{ version: 2, deleted_at: expect.any(Date) }]);
  });

  it('does not know what is not there', async () => {
    expect((await call('delete', '/999999')).body).toMatchObject({ status: 404, error: 'product not found' });
    expectFault(await call('delete', '/0'), 'id');
  });
});

describe("the catalog's admin routes", () => {
  const routes: [Method, string][] = [
    ['post', ''],
    ['patch', '/1'],
    ['delete', '/1'],
  ];

  it.each(routes)('%s %s is forbidden for customers, whatever they send', async (method, path) => {
    const { token } = await givenCustomer(app);
    for (const body of [wish(), {}, { role: 'admin' }]) {
      expect((await call(method, path, token).send(body)).body).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
    }
  });

  it.each(routes)('%s %s needs a token', async (method, path) => {
    const answer = await call(method, path, null).send(wish());
    expect(answer.body).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it('have changed nothing so far', async () => {
    expect(await database.sql('SELECT version, deleted_at FROM products WHERE id = 1')).toEqual([
      { version: 1, deleted_at: null },
    ]);
  });
});
