import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { UserRepository } from '../../src/auth/user.repository.js';
import { UserStandings } from '../../src/auth/user-standings.js';
import type { Role } from '../../src/platform/http/caller.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type GivenUser, givenAdmin, givenCustomer, givenGuest } from '../support/given.js';
import { call } from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let other: TestApp;
let admin: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  [app, other] = await Promise.all([bootApp(database), bootApp(database)]);
  admin = await givenAdmin(app, database);
});
afterAll(async () => {
  await Promise.all([app?.close(), other?.close()]);
  await database?.drop();
});

const statusOf = async (user: GivenUser, at = app, path = '/auth/me') =>
  (await call(at, user, 'GET', path)).status;

describe('the access token', () => {
  it('of a user who was deleted is refused at once, and by other instances soon', async () => {
    const user = await givenCustomer(app);
    expect([await statusOf(user), await statusOf(user, other)]).toEqual([200, 200]);
    await call(app, admin, 'DELETE', `/admin/users/${user.id}`);
    expect(await statusOf(user)).toBe(401);
    await eventually(async () => (await statusOf(user, other)) === 401, { within: 5_000 });
  });

  it('of an admin who was dismissed opens nothing any more, at once, and elsewhere soon', async () => {
    const dismissed = await givenAdmin(app, database);
    const path = '/admin/orders';
    expect([await statusOf(dismissed, app, path), await statusOf(dismissed, other, path)]).toEqual([
      200, 200,
    ]);
    await call(app, admin, 'PATCH', `/admin/users/${dismissed.id}`, { body: { role: 'customer' } });
    const { body } = await call(app, dismissed, 'GET', path);
    expect(body.code).toBe('invalid_token');
    await eventually(async () => (await statusOf(dismissed, other, path)) === 401, { within: 5_000 });
  });

  it('of a guest who has just registered opens their cart at every instance, and the old one nothing', async () => {
    const guest = await givenGuest(app);
    expect(await statusOf(guest, other, '/cart')).toBe(200);
    const body = { email: `${randomUUID()}@shop.example`, password: 'correct horse battery', name: 'Ada' };
    const registered = await call(app, guest, 'POST', '/auth/register', { body });
    const headers = { authorization: `Bearer ${registered.body.access_token}` };
    for (const at of [other, app]) {
      expect((await call(at, null, 'GET', '/cart', { headers })).status).toBe(200);
      expect(await statusOf(guest, at, '/cart')).toBe(401);
    }
  });

  it('of a user who is gone keeps nobody out where it is not needed: logging in anew', async () => {
    const [gone, user] = [await givenCustomer(app), await givenCustomer(app)];
    await call(app, admin, 'DELETE', `/admin/users/${gone.id}`);
    const body = { email: user.user.email, password: 'correct horse battery' };
    expect((await call(app, gone, 'POST', '/auth/login', { body })).status).toBe(200);
  });

  it('is not looked up for a probe, which must not depend on the database', async () => {
    const users = app.app.get(UserRepository);
    const { findRoles } = users;
    users.findRoles = () => Promise.reject(new Error('away'));
    const user = await givenCustomer(app);
    expect((await fetch(`${app.url}/health`, { headers: user.headers })).status).toBe(200);
    expect(await statusOf(user)).toBe(500);
    users.findRoles = findRoles;
    expect(await statusOf(user)).toBe(200);
  });
});

describe('what users are', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** Standings over a table of our own, and what it was asked. */
  function given(roles: Map<number, Role>) {
    const asked: number[][] = [];
    const findRoles = async (ids: number[]) => {
      asked.push(ids);
      const table = new Map(roles);
      await new Promise(setImmediate);
      return table;
    };
    return { asked, standings: new UserStandings({ findRoles } as unknown as UserRepository) };
  }

  it('is asked by one statement at a time, for all who call meanwhile', async () => {
    const roles = new Map<number, Role>(Array.from({ length: 100 }, (_, id) => [id, 'customer']));
    const { asked, standings } = given(roles);
    const first = standings.roleOf(0);
    await Promise.resolve();
    const others = Array.from({ length: 99 }, (_, n) => standings.roleOf(n + 1));
    expect(await Promise.all([first, ...others])).toEqual(Array(100).fill('customer'));
    expect(asked.map(({ length }) => length)).toEqual([1, 99]);
  });

  it('is remembered for a moment, and forgotten when we have changed it', async () => {
    const roles = new Map<number, Role>([[7, 'customer']]);
    const { asked, standings } = given(roles);
    await standings.roleOf(7);
    expect(await standings.roleOf(7)).toBe('customer');
    expect(asked).toHaveLength(1);
    roles.delete(7);
    expect(await standings.roleOf(7)).toBe('customer');
    standings.forget(7);
    expect(await standings.roleOf(7)).toBeNull();
    expect(asked).toHaveLength(2);
  });

  it('is renewed together, before it is too old, for all who keep calling', async () => {
    const roles = new Map<number, Role>([
      [7, 'customer'],
      [8, 'admin'],
    ]);
    const { asked, standings } = given(roles);
    const call = async () => [await standings.roleOf(7), await standings.roleOf(8)];
    await call();
    asked.length = 0;
    roles.delete(8);
    jest.advanceTimersByTime(600);
    expect(await call()).toEqual(['customer', 'admin']);
    jest.advanceTimersByTime(100);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(await call()).toEqual(['customer', null]);
    expect(asked).toEqual([[7, 8]]);
  });

  it('is asked anew for a token that is younger than the answer, and for no other', async () => {
    const roles = new Map<number, Role>([[7, 'guest']]);
    const { asked, standings } = given(roles);
    await standings.roleOf(7);
    roles.set(7, 'customer');
    const [old, young] = [Date.now() - 60_000, Date.now()];
    expect(await standings.confirm({ id: 7, role: 'customer' }, old)).toBe(false);
    expect(await standings.confirm({ id: 7, role: 'guest' }, young)).toBe(true);
    expect(asked).toHaveLength(1);
    expect(await standings.confirm({ id: 7, role: 'customer' }, young)).toBe(true);
    expect(asked).toHaveLength(2);
    for (let n = 0; n < 10; n++) expect(await standings.confirm({ id: 7, role: 'guest' }, old)).toBe(false);
    expect(asked).toHaveLength(2);
  });

  it('is asked about when it is a second old, and not trusted any longer', async () => {
    const roles = new Map<number, Role>([[7, 'customer']]);
    const { standings } = given(roles);
    await standings.roleOf(7);
    roles.delete(7);
    jest.advanceTimersByTime(1_000);
    expect(await standings.roleOf(7)).toBeNull();
  });

  it('is asked anew after a question that has failed', async () => {
    const roles = new Map<number, Role>([[7, 'admin']]);
    const { standings } = given(roles);
    const broken = new UserStandings({
      findRoles: () => Promise.reject(new Error('away')),
    } as unknown as UserRepository);
    await expect(Promise.all([broken.roleOf(7), broken.roleOf(8)])).rejects.toThrow('away');
    await expect(broken.roleOf(7)).rejects.toThrow('away');
    expect(await standings.roleOf(7)).toBe('admin');
  });
});
