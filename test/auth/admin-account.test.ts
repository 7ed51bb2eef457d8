import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { AdminAccount as Account } from '../../src/auth/admin-account.js';
import { AdminAccount } from '../../src/auth/admin-account.js';
import { Passwords } from '../../src/auth/password.js';
import { RefreshTokenRepository } from '../../src/auth/refresh-token.repository.js';
import { UserRepository } from '../../src/auth/user.repository.js';
import { Config } from '../../src/platform/config/config.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { AdminActions } from '../../src/trail/admin-actions.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { AuthCalls, newEmail, PASSWORD } from './calls.js';

let database: TestDatabase;
let app: TestApp;
let auth: AuthCalls;

beforeEach(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  auth = new AuthCalls(app);
});

afterEach(async () => {
  await app?.close();
  await database?.drop();
});

const ADMIN_PASSWORD = 'the admin of this shop';

function accountUnder(settings: Partial<Config['env']>): Account {
  const config = new Config({ ...app.config.env, ...settings });
  const { app: nest } = app;
  return new AdminAccount(
    config,
    nest.get(DatabaseService),
    nest.get(UserRepository),
    nest.get(RefreshTokenRepository),
    nest.get(Passwords),
    nest.get(AdminActions),
  );
}

const countAdmins = async () => (await database.sql(`SELECT id FROM users WHERE role = 'admin'`)).length;

describe('ADMIN_EMAIL', () => {
  it('becomes an admin at the first start, and stays what it is at the next ones', async () => {
    const first = accountUnder({ ADMIN_EMAIL: 'Boss@Shop.example', ADMIN_PASSWORD });
    const later = accountUnder({ ADMIN_EMAIL: 'boss@shop.example', ADMIN_PASSWORD: 'another password' });
    await first.ensureNamed();
    await later.ensureNamed();
    expect([await first.ensureDemo(), await later.ensureDemo()]).toEqual([null, null]);
    const { status, body } = await auth.login({ email: 'boss@shop.example', password: ADMIN_PASSWORD });
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ email: 'boss@shop.example', role: 'admin' });
    expect((await auth.login({ email: 'boss@shop.example', password: 'another password' })).status).toBe(401);
    expect(await countAdmins()).toBe(1);
  });

  it('takes the account over from whoever had registered with it', async () => {
    const stranger = await auth.givenSession('boss@shop.example');
    await accountUnder({ ADMIN_EMAIL: 'boss@shop.example', ADMIN_PASSWORD }).ensureNamed();
    expect((await auth.login({ email: 'boss@shop.example', password: PASSWORD })).status).toBe(401);
    expect((await auth.refresh(stranger.refresh_token)).status).toBe(401);
    const { body } = await auth.login({ email: 'boss@shop.example', password: ADMIN_PASSWORD });
    expect(body.user).toMatchObject({ id: stranger.user.id, role: 'admin' });
  });

  it('is made anew at the next start when another admin has deleted it', async () => {
    const account = accountUnder({ ADMIN_EMAIL: 'boss@shop.example', ADMIN_PASSWORD });
    await account.ensureNamed();
    await database.sql('UPDATE users SET deleted_at = now()');
    await account.ensureNamed();
    expect((await auth.login({ email: 'boss@shop.example', password: ADMIN_PASSWORD })).status).toBe(200);
    expect(await countAdmins()).toBe(2);
  });

  it('is noted as appointed by the service itself', async () => {
    await accountUnder({ ADMIN_EMAIL: 'boss@shop.example', ADMIN_PASSWORD }).ensureNamed();
    const noted = await database.sql('SELECT action, user_id, before, after FROM admin_actions');
    expect(noted).toEqual([
      {
        action: 'user.appointed',
        user_id: null,
        before: null,
        after: { email: 'boss@shop.example', role: 'admin' },
      },
    ]);
  });

  it('is made once by instances that start together', async () => {
    const account = accountUnder({ ADMIN_EMAIL: newEmail(), ADMIN_PASSWORD });
    await Promise.all(Array.from({ length: 5 }, () => account.ensureNamed()));
    expect(await countAdmins()).toBe(1);
  });
});

describe('ADMIN_PASSWORD', () => {
  const warnings = async (password: string): Promise<string[]> => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await accountUnder({ ADMIN_EMAIL: newEmail(), ADMIN_PASSWORD: password }).ensureNamed();
    const said = warn.mock.calls.map(([message]) => String(message));
    warn.mockRestore();
    return said;
  };

  it('is taken when it is a common one, with a warning', async () => {
    expect(await warnings('Manchester')).toEqual([
      'ADMIN_PASSWORD is one of the most common passwords: choose another',
    ]);
    expect(await countAdmins()).toBe(1);
    expect(await warnings(ADMIN_PASSWORD)).toEqual([]);
  });
});

describe('without ADMIN_EMAIL', () => {
  const embedded = { DATABASE_URL: undefined };

  it('the embedded demo makes an admin and tells the password once', async () => {
    const made = await accountUnder(embedded).ensureDemo();
    expect(made).toEqual({ email: 'admin@holdfast.example', password: expect.stringMatching(/^[\w-]{20}$/) });
    expect((await auth.login(made as object)).body.user.role).toBe('admin');
    expect(await accountUnder(embedded).ensureDemo()).toBeNull();
    expect(await countAdmins()).toBe(1);
  });

  it.each<[string, Partial<Config['env']>]>([
    ['in production', { ...embedded, NODE_ENV: 'production' }],
    ['on a database of their own', {}],
  ])('there is none %s', async (_, settings) => {
    expect(await accountUnder(settings).ensureDemo()).toBeNull();
    expect(await countAdmins()).toBe(0);
  });
});
