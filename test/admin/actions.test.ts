import { DatabaseService } from '../../src/platform/database/database.service.js';
import { uuidv7 } from '../../src/platform/uuid.js';
import { AdminActionRepository } from '../../src/trail/admin-action.repository.js';
import { AdminActions, differences } from '../../src/trail/admin-actions.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';
import {
  type Answer,
  call,
  expectProblem,
  givenProduct,
  givenShopper,
  type Wish,
} from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { WEBHOOK_ALLOW_PRIVATE: 'true' });
  admin = await givenAdmin(app, database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

async function done(status: number, method: string, path: string, wish?: Wish): Promise<any> {
  const answer = await call(app, admin, method, path, wish);
  expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
  return answer.body;
}

const list = (query: string): Promise<Answer> => call(app, admin, 'GET', `/admin/actions${query}`);

/** What is noted of one thing, oldest first. */
async function notedOf(entity: string, id: number | string): Promise<any[]> {
  const { status, body } = await list(`?entity=${entity}&entity_id=${id}`);
  expect(status).toBe(200);
  return body.actions.reverse();
}

const summary = (actions: any[]) => actions.map(({ action, before, after }) => [action, before, after]);

describe('what an admin changes is noted', () => {
  it('with who, when and in which request', async () => {
    const headers = { 'X-Request-Id': 'request-of-the-test' };
    const body = { sku: 'noted-1', name: 'Lamp', price: 12.5 };
    const { id } = await done(201, 'POST', '/products', { body, headers });
    const [noted] = await notedOf('product', id);
    expect(noted).toEqual({
      id: expect.any(Number),
      at: expect.stringMatching(/Z$/),
      user_id: admin.id,
      api_key_id: null,
      action: 'product.created',
      entity: 'product',
      entity_id: String(id),
      before: null,
      after: expect.objectContaining({ sku: 'noted-1', price: 12.5, low_stock_threshold: 0 }),
      request_id: 'request-of-the-test',
    });
  });

  it('of a product: what was different, and that it is gone', async () => {
    const { id } = await done(201, 'POST', '/products', {
      body: { sku: 'noted-2', name: 'Lamp', price: 10 },
    });
    await done(200, 'PATCH', `/products/${id}`, { body: { price: 9.99 } });
    await done(200, 'PATCH', `/products/${id}`, { body: { price: 9.99 } });
    await done(204, 'DELETE', `/products/${id}`);
    const [, changed, removed, ...more] = await notedOf('product', id);
    expect(changed).toMatchObject({
      action: 'product.changed',
      before: { price: 10 },
      after: { price: 9.99 },
    });
    expect(Object.keys(changed.before).sort()).toEqual(['price', 'version']);
    expect(removed).toMatchObject({ action: 'product.removed', before: { sku: 'noted-2' }, after: null });
    expect(more).toEqual([]);
  });

  it('of stock: each product that was moved or counted', async () => {
    const [one, other] = [
      await givenProduct(database, { stock: 5 }),
      await givenProduct(database, { stock: 7 }),
    ];
    await done(201, 'POST', '/inventory/movements', {
      body: { product_id: one, type: 'in', quantity: 3, reason: 'delivery' },
    });
    const items = [
      { product_id: one, quantity: 9 },
      { product_id: other, quantity: 4 },
      { product_id: 999_999, quantity: 1 },
    ];
    await done(200, 'POST', '/inventory/bulk', { body: { items, reason: 'stocktaking' } });
    expect(summary(await notedOf('product', one))).toEqual([
      ['product.stock_entered', { stock: 5 }, { stock: 8, kind: 'in', reason: 'delivery' }],
      ['product.stock_counted', { stock: 8 }, { stock: 9, kind: 'adjustment', reason: 'stocktaking' }],
    ]);
    expect(summary(await notedOf('product', other))).toEqual([
      ['product.stock_counted', { stock: 7 }, { stock: 4, kind: 'adjustment', reason: 'stocktaking' }],
    ]);
    expect(await notedOf('product', 999_999)).toEqual([]);
  });

  it('of another system with a key: which key it was', async () => {
    const product_id = await givenProduct(database, { stock: 5 });
    const { id, headers } = await givenApiKey(app, 'inventory:write');
    const body = { product_id, type: 'out', quantity: 1 };
    const { status } = await call(app, null, 'POST', '/inventory/movements', { body, headers });
    expect(status).toBe(201);
    expect(await notedOf('product', product_id)).toMatchObject([{ user_id: null, api_key_id: id }]);
  });

  it('of API keys, without the key', async () => {
    const { id, key } = await done(201, 'POST', '/admin/api-keys', {
      body: { name: 'warehouse', scopes: ['inventory:read'] },
    });
    await done(204, 'DELETE', `/admin/api-keys/${id}`);
    const noted = await notedOf('api_key', id);
    expect(noted.map(({ action }) => action)).toEqual(['api_key.created', 'api_key.revoked']);
    expect(noted[0].after).toMatchObject({ name: 'warehouse', scopes: ['inventory:read'] });
    expect(noted[1].before).toMatchObject({ name: 'warehouse' });
    expect(JSON.stringify(noted)).not.toContain(key.slice(11));
    expect(JSON.stringify(noted)).not.toMatch(/hash/);
  });

  it('of webhook endpoints, without the secret and the rest of the address', async () => {
    const url = 'http://127.0.0.1:9/hooks/T0P/S3CR3T';
    const { id, secret } = await done(201, 'POST', '/admin/webhook-endpoints', {
      body: { url, events: ['order.paid'], active: false },
    });
    await done(200, 'PATCH', `/admin/webhook-endpoints/${id}`, { body: { events: ['*'] } });
    const renewed = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    await done(200, 'PATCH', `/admin/webhook-endpoints/${id}`, { body: { secret: renewed, url: `${url}2` } });
    await done(204, 'DELETE', `/admin/webhook-endpoints/${id}`);
    const noted = await notedOf('webhook_endpoint', id);
    const mark = expect.stringMatching(/^[0-9a-f]{12}$/);
    expect(summary(noted)).toEqual([
      [
        'webhook_endpoint.created',
        null,
        { id, url: 'http://127.0.0.1:9', url_mark: mark, events: ['order.paid'], active: false },
      ],
      ['webhook_endpoint.changed', { events: ['order.paid'] }, { events: ['*'] }],
      ['webhook_endpoint.changed', { url_mark: mark }, { url_mark: mark, secret: 'replaced' }],
      ['webhook_endpoint.removed', expect.objectContaining({ id, events: ['*'] }), null],
    ]);
    const text = JSON.stringify(noted);
    for (const hidden of [secret, renewed, 'S3CR3T']) expect(text).not.toContain(hidden);
  });

  it('of dead letters and resent deliveries: what was decided', async () => {
    const [event_id, letter, other, delivery] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
    await database.sql(`INSERT INTO events (id, type, data) VALUES ($1, 'order.paid', '{}')`, [event_id]);
    for (const [id, consumer] of [
      [letter, 'webhooks'],
      [other, 'stock-watch'],
    ])
      await database.sql(
        `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts) VALUES ($1, $2, $3, $4, 'x', 8)`,
        [id, uuidv7(), event_id, consumer],
      );
    await done(200, 'POST', `/admin/dead-letters/${letter}/retry`);
    await done(200, 'POST', `/admin/dead-letters/${letter}/retry`);
    await done(200, 'POST', `/admin/dead-letters/${other}/discard`);
    expect(summary(await notedOf('dead_letter', letter))).toEqual([
      ['dead_letter.retried', null, { consumer: 'webhooks', event_id, resolution: 'retried' }],
    ]);
    expect(await notedOf('dead_letter', other)).toMatchObject([{ action: 'dead_letter.discarded' }]);
    const { id } = await done(201, 'POST', '/admin/webhook-endpoints', {
      body: { url: 'http://127.0.0.1:9/', events: ['order.paid'] },
    });
    await database.sql(
      `INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, body, status)
       VALUES ($1, $2, $3, 'order.paid', '{}', 'failed')`,
      [delivery, id, event_id],
    );
    await done(202, 'POST', `/admin/webhook-deliveries/${delivery}/resend`);
    expect(await notedOf('webhook_delivery', delivery)).toMatchObject([
      { action: 'webhook_delivery.resent' },
    ]);
  });

  it('of money that was accepted by hand, once', async () => {
    const product_id = await givenProduct(database);
    const ada = await givenShopper(app);
    const { id } = await ada.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
    for (let times = 0; times < 2; times++)
      await done(200, 'POST', `/admin/orders/${id}/confirm-payment`, { body: { reference: 'till 4' } });
    expect(summary(await notedOf('order', id))).toEqual([
      [
        'order.payment_confirmed',
        { status: 'pending', payment_status: 'unpaid' },
        { status: 'paid', payment_status: 'paid', reference: 'till 4' },
      ],
    ]);
  });

  it('and what customers do is not', async () => {
    const count = async () => (await database.sql('SELECT count(*)::int AS n FROM admin_actions'))[0]?.n;
    const before = await count();
    const ada = await givenShopper(app);
    const order = await ada.order([{ product_id: await givenProduct(database), quantity: 1 }]);
    await ada.cancel(order.id);
    expect(await count()).toBe(before);
  });
});

describe('a change and its note', () => {
  it('are one transaction: what is refused is not noted, and what cannot be noted is not done', async () => {
    const product_id = await givenProduct(database, { stock: 5 });
    const out = { body: { product_id, type: 'out', quantity: 6 } };
    expectProblem(await call(app, admin, 'POST', '/inventory/movements', out), 409, 'insufficient_stock');
    expect(await notedOf('product', product_id)).toEqual([]);
    const repository = app.app.get(AdminActionRepository);
    const insert = repository.insert.bind(repository);
    repository.insert = () => Promise.reject(new Error('no room'));
    expect((await call(app, admin, 'PATCH', `/products/${product_id}`, { body: { price: 1 } })).status).toBe(
      500,
    );
    expect((await call(app, admin, 'DELETE', `/products/${product_id}`)).status).toBe(500);
    repository.insert = insert;
    const [row] = await database.sql('SELECT price_minor::int, deleted_at FROM products WHERE id = $1', [
      product_id,
    ]);
    expect(row).toEqual({ price_minor: 1_000, deleted_at: null });
  });

  it('are noted for who has made them, also by ten admins at once', async () => {
    const admins = await Promise.all(Array.from({ length: 10 }, () => givenAdmin(app, database)));
    const products = await Promise.all(admins.map(() => givenProduct(database)));
    await Promise.all(
      admins.map((one, n) => call(app, one, 'PATCH', `/products/${products[n]}`, { body: { price: 3 } })),
    );
    for (const [n, product] of products.entries())
      expect(await notedOf('product', product)).toMatchObject([{ user_id: admins[n]?.id }]);
  });

  it("outside of any request are the service's own", async () => {
    const { app: nest } = app;
    await nest
      .get(DatabaseService)
      .transaction((tx) =>
        nest
          .get(AdminActions)
          .record(
            [{ action: 'user.appointed', entity: 'user', entity_id: 'nobody', before: null, after: {} }],
            tx,
          ),
      );
    expect(await notedOf('user', 'nobody')).toMatchObject([
      { user_id: null, api_key_id: null, request_id: null, before: null, after: {} },
    ]);
  });
});

describe('the notes', () => {
  it('cannot be changed, removed or emptied', async () => {
    for (const text of [
      `UPDATE admin_actions SET action = 'product.admired'`,
      'DELETE FROM admin_actions',
      'TRUNCATE admin_actions',
    ])
      await expect(database.sql(text)).rejects.toThrow('admin_actions is only ever added to');
  });

  it('are listed newest first, in pages, with a total when asked for', async () => {
    const id = await givenProduct(database);
    for (const price of [1, 2, 3]) await done(200, 'PATCH', `/products/${id}`, { body: { price } });
    const query = `?entity=product&entity_id=${id}&limit=2`;
    const { body } = await list(`${query}&count=true`);
    expect(body.total).toBe(3);
    expect(body.actions.map(({ after }: any) => after.price)).toEqual([3, 2]);
    const next = await list(`${query}&cursor=${body.next_cursor}`);
    expect(next.body.actions.map(({ after }: any) => after.price)).toEqual([1]);
    expect(next.body.next_cursor).toBeNull();
  });

  it('are narrowed by who and when', async () => {
    const other = await givenAdmin(app, database);
    const id = await givenProduct(database);
    await call(app, other, 'PATCH', `/products/${id}`, { body: { price: 1 } });
    const { body } = await list(`?user=${other.id}`);
    expect(body.actions).toMatchObject([{ entity_id: String(id) }]);
    const [{ at }] = body.actions;
    const later = new Date(Date.parse(at) + 1).toISOString();
    const found = async (query: string) => (await list(`?user=${other.id}&${query}`)).body.actions.length;
    expect(await found(`from=${at}&to=${later}`)).toBe(1);
    expect(await found(`from=${later}`)).toBe(0);
    expect(await found(`to=${at}`)).toBe(0);
  });

  it.each([
    '?entity=A',
    '?entity_id=',
    '?user=0',
    '?from=now',
    '?to=2026-02-30',
    '?limit=101',
    '?cursor=x',
    '?a=1',
  ])('refuse %s', async (query) => {
    expectProblem(await list(query), 400, 'validation_failed');
  });

  it('are for admins', async () => {
    expectProblem(await call(app, await givenCustomer(app), 'GET', '/admin/actions'), 403, 'forbidden');
    expectProblem(await call(app, null, 'GET', '/admin/actions'), 401, 'unauthenticated');
  });
});

describe('what is different', () => {
  it('is all that is kept of a change', () => {
    const before = { a: 1, b: [1, 2], c: null, d: 'x' };
    const after = { a: 1, b: [1, 3], c: null, e: new Date(0) };
    expect(differences(before, after)).toEqual({
      before: { b: [1, 2], d: 'x' },
      after: { b: [1, 3], e: new Date(0) },
    });
  });

  it('is everything when there was nothing, or is nothing any more', () => {
    expect(differences(null, { a: 1 })).toEqual({ before: null, after: { a: 1 } });
    expect(differences({ a: 1 }, null)).toEqual({ before: { a: 1 }, after: null });
  });
});
