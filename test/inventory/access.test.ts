import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const items = [{ product_id: 1, quantity: 1 }];
const ROUTES: ['inventory:read' | 'inventory:write', string, string, object?][] = [
  ['inventory:write', 'POST', 'decrement', { order_id: 'ACCESS', items }],
  ['inventory:write', 'POST', 'rollback', { order_id: 'ACCESS' }],
  ['inventory:write', 'POST', 'movements', { product_id: 1, type: 'in', quantity: 1 }],
  ['inventory:write', 'POST', 'bulk', { items }],
  ['inventory:read', 'GET', 'movements'],
  ['inventory:read', 'GET', 'summary'],
  ['inventory:read', 'GET', 'low-stock'],
];

async function call(method: string, path: string, body: object | undefined, headers: Record<string, string>) {
  const answer = await fetch(`${app.url}/api/v1/inventory/${path}`, {
    method,
    headers: { ...(body ? { 'Content-Type': 'application/json' } : {}), ...headers },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, any> };
}

describe.each(ROUTES)('with the scope %s, %s %s', (scope, method, path, body) => {
  it('lets an admin and an API key with the scope in', async () => {
    const admin = await givenAdmin(app, database);
    const key = await givenApiKey(app, scope);
    for (const headers of [admin.headers, key.headers] as Record<string, string>[]) {
      expect((await call(method, path, body, headers)).status).toBeLessThan(300);
    }
  });

  it('asks whoever brings nothing for a token or a key', async () => {
    const answer = await call(method, path, body, {});
    expect([answer.status, answer.body.code]).toEqual([401, 'unauthenticated']);
  });

  it('keeps customers out, and API keys with the other scope', async () => {
    const customer = await givenCustomer(app);
    const other = await givenApiKey(app, scope === 'inventory:read' ? 'inventory:write' : 'inventory:read');
    for (const headers of [customer.headers, other.headers]) {
      const answer = await call(method, path, body, headers as Record<string, string>);
      expect([answer.status, answer.body.code]).toEqual([403, 'forbidden']);
    }
  });
});
