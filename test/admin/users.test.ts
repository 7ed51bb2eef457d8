import { UserRepository } from '../../src/auth/user.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { meeting, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD, type GivenUser, givenAdmin, givenCustomer, givenGuest } from '../support/given.js';
import { type Answer, call, expectProblem, Shopper, type Wish } from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: GivenUser;

beforeEach(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await givenAdmin(app, database);
});
afterEach(async () => {
  await app?.close();
  await database?.drop();
});

const as = (user: GivenUser) => ({
  list: (query = '') => call(app, user, 'GET', `/admin/users${query}`),
  change: (id: number | string, body: unknown) =>
    call(app, user, 'PATCH', `/admin/users/${id}`, { body } as Wish),
  remove: (id: number | string) => call(app, user, 'DELETE', `/admin/users/${id}`),
});

const logIn = ({ user }: GivenUser): Promise<Answer> =>
  call(app, null, 'POST', '/auth/login', { body: { email: user.email, password: GIVEN_PASSWORD } });

const actions = () =>
  database.sql('SELECT action, user_id, entity_id, before, after FROM admin_actions ORDER BY id');

describe('the list of users', () => {
  it('is newest first, in pages, with a total when asked for', async () => {
    const [ada, guest] = [await givenCustomer(app), await givenGuest(app)];
    const { status, body } = await as(admin).list('?limit=2&count=true');
    expect(status).toBe(200);
    expect(body.total).toBe(3);
    expect(body.users).toEqual([
      expect.objectContaining({ id: guest.id, email: null, name: '', role: 'guest' }),
      {
        id: ada.id,
        email: ada.user.email,
        name: 'Ada Lovelace',
        points: 0,
        role: 'customer',
        created_at: expect.stringMatching(/Z$/),
        updated_at: expect.stringMatching(/Z$/),
      },
    ]);
    const rest = await as(admin).list(`?limit=2&cursor=${body.next_cursor}`);
    expect(rest.body).toMatchObject({ users: [{ id: admin.id }], next_cursor: null });
  });

  it('is narrowed by a part of the e-mail and by the role', async () => {
    const ada = await givenCustomer(app, { email: 'ada%b@shop.example' });
    await givenCustomer(app, { email: 'adaxb@shop.example' });
    const found = async (query: string) =>
      (await as(admin).list(query)).body.users.map(({ id }: { id: number }) => id);
    expect(await found('?q=ADA%25b')).toEqual([ada.id]);
    expect(await found('?role=admin')).toEqual([admin.id]);
    expect(await found('?q=nobody')).toEqual([]);
    expect(await found(`?q=${encodeURIComponent("' OR 1=1 --")}`)).toEqual([]);
  });

  it.each(['?role=root', '?q=', '?limit=0', '?cursor=x', '?email=a'])('refuses %s', async (query) => {
    expectProblem(await as(admin).list(query), 400, 'validation_failed');
  });

  it('is for admins', async () => {
    expectProblem(await as(await givenCustomer(app)).list(), 403, 'forbidden');
    expectProblem(await call(app, null, 'GET', '/admin/users'), 401, 'unauthenticated');
  });
});

describe('one user', () => {
  const get = (id: number | string, user = admin) => call(app, user, 'GET', `/admin/users/${id}`);

  it('is as in the list', async () => {
    const ada = await givenCustomer(app);
    const { status, body } = await get(ada.id);
    expect(status).toBe(200);
    expect(body).toEqual((await as(admin).list()).body.users[0]);
  });

  it('is not found when there is none, or none any more', async () => {
    const ada = await givenCustomer(app);
    await as(admin).remove(ada.id);
    for (const id of [ada.id, 99]) expectProblem(await get(id), 404, 'not_found', 'user not found');
    expectProblem(await get('x'), 400, 'validation_failed');
  });

  it('is for admins', async () => {
    expectProblem(await get(admin.id, await givenCustomer(app)), 403, 'forbidden');
  });
});

describe('changing a role', () => {
  it('makes an admin, whose next token opens what admins may', async () => {
    const ada = await givenCustomer(app);
    const { status, body } = await as(admin).change(ada.id, { role: 'admin' });
    expect([status, body.role]).toEqual([200, 'admin']);
    const { body: session } = await logIn(ada);
    expect(session.user.role).toBe('admin');
    expect(await actions()).toEqual([
      {
        action: 'user.role_changed',
        user_id: admin.id,
        entity_id: String(ada.id),
        before: { role: 'customer' },
        after: { role: 'admin' },
      },
    ]);
  });

  it('to the one that they have changes nothing, and notes nothing', async () => {
    const ada = await givenCustomer(app);
    expect((await as(admin).change(ada.id, { role: 'customer' })).status).toBe(200);
    expect((await as(admin).change(admin.id, { role: 'admin' })).status).toBe(200);
    expect((await call(app, ada, 'GET', '/auth/me')).status).toBe(200);
    expect(await actions()).toEqual([]);
  });

  it('is refused for guests, for nobody, and for what is no role', async () => {
    const guest = await givenGuest(app);
    expectProblem(await as(admin).change(guest.id, { role: 'admin' }), 409, 'user_is_guest');
    expectProblem(await as(admin).change(999_999, { role: 'admin' }), 404, 'not_found', 'user not found');
    expectProblem(await as(admin).change('x', { role: 'admin' }), 400, 'validation_failed');
    for (const body of [{ role: 'guest' }, { role: 'root' }, {}, { role: 'admin', email: 'a@b.example' }])
      expectProblem(await as(admin).change(admin.id, body), 400, 'validation_failed');
  });
});

describe('deleting a user', () => {
  it('ends their sessions, and keeps their orders', async () => {
    const ada = await givenCustomer(app);
    const { body: session } = await logIn(ada);
    const order = await new Shopper(app, ada).order([{ product_id: 1, quantity: 1 }]);
    expect((await as(admin).remove(ada.id)).status).toBe(204);
    expect((await call(app, ada, 'GET', '/auth/me')).status).toBe(401);
    const { refresh_token } = session;
    expect((await call(app, null, 'POST', '/auth/refresh', { body: { refresh_token } })).status).toBe(401);
    expectProblem(await logIn(ada), 401, 'invalid_credentials');
    expect((await call(app, admin, 'GET', `/admin/orders/${order.id}`)).body.user_id).toBe(ada.id);
    expect((await as(admin).list()).body.users).toHaveLength(1);
    expect(await actions()).toMatchObject([
      { action: 'user.removed', entity_id: String(ada.id), before: { email: ada.user.email }, after: null },
    ]);
  });

  it('frees their e-mail for somebody else', async () => {
    const ada = await givenCustomer(app);
    await as(admin).remove(ada.id);
    const body = { email: ada.user.email, password: 'another good one', name: 'Ada' };
    const { status, body: session } = await call(app, null, 'POST', '/auth/register', { body });
    expect(status).toBe(201);
    expect(session.user.id).not.toBe(ada.id);
    const { body: orders } = await call(app, null, 'GET', '/orders', {
      headers: { authorization: `Bearer ${session.access_token}` },
    });
    expect(orders.orders).toEqual([]);
  });

  it('a second time finds nobody', async () => {
    const ada = await givenCustomer(app);
    await as(admin).remove(ada.id);
    expectProblem(await as(admin).remove(ada.id), 404, 'not_found', 'user not found');
    expectProblem(await as(admin).change(ada.id, { role: 'admin' }), 404, 'not_found');
  });
});

describe('the last admin', () => {
  it('can neither be dismissed nor deleted, by themselves neither', async () => {
    expectProblem(await as(admin).change(admin.id, { role: 'customer' }), 409, 'last_admin');
    expectProblem(await as(admin).remove(admin.id), 409, 'last_admin');
    const other = await givenAdmin(app, database);
    expect((await as(admin).remove(other.id)).status).toBe(204);
    expectProblem(await as(admin).remove(admin.id), 409, 'last_admin');
  });

  type LockAdmins = UserRepository['lockAdmins'];

  /** Two admins dismiss each other at once. @returns how many are left. */
  async function race(arrange: (lockAdmins: LockAdmins) => LockAdmins): Promise<number> {
    const other = await givenAdmin(app, database);
    const users = app.app.get(UserRepository);
    users.lockAdmins = arrange(users.lockAdmins.bind(users));
    await Promise.all([
      as(admin).change(other.id, { role: 'customer' }),
      as(other).change(admin.id, { role: 'customer' }),
    ]);
    return (await database.sql(`SELECT id FROM users WHERE role = 'admin'`)).length;
  }

  it('is left when the last two dismiss each other at once', async () => {
    let isFirst = true;
    const left = await race((lockAdmins) => async (tx) => {
      const ids = await lockAdmins(tx);
      if (isFirst) {
        isFirst = false;
        await untilWaiting(database);
      }
      return ids;
    });
    expect(left).toBe(1);
  });

  it('(control) is not when the admins are only looked at', async () => {
    const look = new Statement<{ id: number }>('test-admins', `SELECT id FROM users WHERE role = 'admin'`);
    const bothHaveLooked = meeting(2);
    const left = await race(() => async (tx) => {
      const ids = (await look.run([], tx)).map(({ id }) => id);
      await bothHaveLooked();
      return ids;
    });
    expect(left).toBe(0);
  });
});
