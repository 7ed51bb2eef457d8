import { loadConfig } from '../../src/platform/config/config.js';
import { AnswerSeal } from '../../src/platform/idempotency/answer-seal.js';
import { AnswerLost } from '../../src/platform/idempotency/idempotency.errors.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD, type GivenUser, givenAdmin, givenCustomer } from '../support/given.js';
import { call, expectProblem } from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let customer: GivenUser;
let admin: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  customer = await givenCustomer(app);
  admin = await givenAdmin(app, database);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

describe('an empty or malformed Idempotency-Key', () => {
  const login = () => ({ email: customer.user.email, password: GIVEN_PASSWORD });
  const routes: [string, () => GivenUser | null, () => object][] = [
    ['/auth/login', () => null, login],
    ['/auth/register', () => null, () => ({ ...login(), email: 'new@shop.example', name: 'Ada' })],
    ['/auth/refresh', () => null, () => ({ refresh_token: 'x' })],
    ['/inventory/check', () => null, () => ({ items: [{ product_id: 1, quantity: 1 }] })],
    ['/cart/items', () => customer, () => ({ product_id: 1, quantity: 1 })],
    ['/checkout', () => customer, () => ({})],
    ['/admin/api-keys', () => admin, () => ({ name: 'a', scopes: ['inventory:read'] })],
  ];

  it.each(routes)('is 400 at %s', async (path, user, body) => {
    for (const key of ['', 'two words', 'ü', 'x'.repeat(256)]) {
      const headers = { 'idempotency-key': key };
      const answer = await call(app, user(), 'POST', path, { body: body(), headers });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual([
        path === '/checkout' && key === '' ? 'idempotency_key' : 'Idempotency-Key',
      ]);
    }
  });

  it('tells nothing to those who may not call at all', async () => {
    const answer = await call(app, null, 'POST', '/cart/items', { headers: { 'idempotency-key': '' } });
    expectProblem(answer, 401, 'unauthenticated');
  });

  it('is of no concern to what is no POST', async () => {
    const answer = await call(app, customer, 'GET', '/cart', { headers: { 'idempotency-key': '' } });
    expect(answer.status).toBe(200);
  });

  it('is no such where it has no effect: a session is never given twice', async () => {
    const enter = () => call(app, null, 'POST', '/auth/login', { body: login(), key: 'enter' });
    const [one, other] = [await enter(), await enter()];
    expect([one.status, other.status]).toEqual([200, 200]);
    expect(other.body.refresh_token).not.toBe(one.body.refresh_token);
    expect(other.headers).not.toHaveProperty('idempotent-replayed');
  });
});

describe('a call without a body', () => {
  it('is the same under its key as one with an empty body', async () => {
    const order = await call(app, customer, 'POST', '/orders', {
      body: { items: [{ product_id: 1, quantity: 1 }] },
    });
    const cancel = (body?: unknown) =>
      call(app, customer, 'POST', `/orders/${order.body.id}/cancel`, { body, key: 'cancel-it' });
    const first = await cancel();
    for (const body of ['{}', 'null', undefined]) {
      const again = await cancel(body);
      expect([again.status, again.body]).toEqual([200, first.body]);
      expect(again.headers['idempotent-replayed']).toBe('true');
    }
    expectProblem(await cancel({ reason: 'another' }), 422, 'idempotency_key_reused');
  });
});

describe('a sealed answer', () => {
  const sealOf = (JWT_SECRET: string) => new AnswerSeal(loadConfig({ JWT_SECRET }));
  const text = JSON.stringify({ key: 'hf_secret' });

  it('is opened by every process with the same secret, and shows nothing until then', () => {
    const stored = sealOf('one').seal(text, 'scope');
    expect(stored).not.toContain('hf_secret');
    expect(sealOf('one').open(stored, 'scope')).toBe(text);
  });

  it('is another each time', () => {
    const seal = sealOf('one');
    expect(seal.seal(text, 'scope')).not.toBe(seal.seal(text, 'scope'));
  });

  it('is lost with its secret, in another row, and when somebody has touched it', () => {
    const stored = sealOf('one').seal(text, 'scope');
    expect(() => sealOf('other').open(stored, 'scope')).toThrow(AnswerLost);
    expect(() => sealOf('one').open(stored, 'another')).toThrow(AnswerLost);
    const touched = `${stored.slice(0, -4)}AAA=`;
    expect(() => sealOf('one').open(touched, 'scope')).toThrow(AnswerLost);
  });

  it('is told from one that holds no secret', () => {
    expect(sealOf('one').open('{"id":1}', 'scope')).toBe('{"id":1}');
  });
});
