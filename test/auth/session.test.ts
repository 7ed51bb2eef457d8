import { Passwords } from '../../src/auth/password.js';
import { RefreshTokenCleanup } from '../../src/auth/refresh-token-cleanup.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { AuthCalls, newEmail, PASSWORD } from './calls.js';

let database: TestDatabase;
let app: TestApp;
let auth: AuthCalls;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  auth = new AuthCalls(app);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const REFUSED = {
  code: 'invalid_token',
  detail: 'the refresh token is invalid or has expired',
  error: 'the refresh token is invalid or has expired',
};

async function expectDead(refreshToken: string): Promise<void> {
  const answer = await auth.refresh(refreshToken);
  expect(answer.status).toBe(401);
  expect(answer.headers['cache-control']).toBe('no-store');
  expect(answer.body).toMatchObject(REFUSED);
}

describe('logging in', () => {
  it('begins a session, however the e-mail is written', async () => {
    const { user } = await auth.givenSession();
    const answer = await auth.login({ email: ` ${user.email.toUpperCase()}`, password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: 900,
      user,
    });
  });

  it('says the same to a wrong password and to an unknown e-mail', async () => {
    const { user } = await auth.givenSession();
    const wrong = await auth.login({ email: user.email, password: `${PASSWORD}!` });
    const unknown = await auth.login({ email: newEmail(), password: PASSWORD });
    for (const { status, headers, body } of [wrong, unknown]) {
      expect(status).toBe(401);
      expect(headers['www-authenticate']).toBe('Bearer');
      expect(body).toMatchObject({
        code: 'invalid_credentials',
        detail: 'invalid email or password',
        error: 'invalid email or password',
      });
    }
    const withoutId = ({ request_id: _, ...rest }: Record<string, unknown>) => rest;
    expect(withoutId(wrong.body)).toEqual(withoutId(unknown.body));
  });

  it('takes its time for an unknown e-mail, too: a hash is verified for anybody', async () => {
    const { user } = await auth.givenSession();
    const passwords = app.app.get(Passwords);
    const verify = passwords.verify.bind(passwords);
    const costs: string[] = [];
    passwords.verify = (hash, password) => {
      costs.push(hash.split('$').slice(0, 4).join('$'));
      return verify(hash, password);
    };
    await auth.login({ email: user.email, password: 'wrong password' });
    await auth.login({ email: newEmail(), password: 'wrong password' });
    passwords.verify = verify;
    expect(costs).toEqual(Array(2).fill('$argon2id$v=19$m=19456,t=2,p=1'));
  });

  it('is refused to whoever was deleted, or got another password, while the hash was verified', async () => {
    const passwords = app.app.get(Passwords);
    const verify = passwords.verify.bind(passwords);
    for (const change of ['deleted_at = now()', `password_hash = 'another'`]) {
      const { user } = await auth.givenSession();
      passwords.verify = async (...values) => {
        await database.sql(`UPDATE users SET ${change} WHERE id = $1`, [user.id]);
        return verify(...values);
      };
      const { status, body } = await auth.login({ email: user.email, password: PASSWORD });
      passwords.verify = verify;
      expect([status, body.code]).toEqual([401, 'invalid_credentials']);
    }
  });

  it.each<[string, object]>([
    ['without a password', { password: undefined }],
    ['with an empty password', { password: '' }],
    ['with a NUL in the password', { password: 'correct\0horse' }],
    ['without an e-mail', { email: undefined }],
    ['with a NUL in the e-mail', { email: 'ada@shop.example\0' }],
    ['with an unknown member', { role: 'admin' }],
  ])('is refused %s', async (_, members) => {
    const answer = await auth.login({ email: newEmail(), password: PASSWORD, ...members });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe('validation_failed');
  });

  it('is not kept from somebody whose old access token is still sent along', async () => {
    const { user, refresh_token } = await auth.givenSession();
    const stale = { Authorization: 'Bearer stale' };
    const credentials = { email: user.email, password: PASSWORD };
    expect((await auth.login(credentials).set(stale)).status).toBe(200);
    expect((await auth.refresh(refresh_token).set(stale)).status).toBe(200);
    expect((await auth.logout(refresh_token).set(stale)).status).toBe(204);
    const registration = { email: newEmail(), password: PASSWORD, name: 'Ada' };
    expect((await auth.register(registration).set(stale)).status).toBe(201);
  });
});

describe('refreshing', () => {
  it('replaces the token and keeps the user', async () => {
    const first = await auth.givenSession();
    const answer = await auth.refresh(first.refresh_token);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toMatchObject({ expires_in: 900, user: first.user });
    expect(answer.body.refresh_token).not.toBe(first.refresh_token);
    expect((await auth.me(`Bearer ${answer.body.access_token}`)).status).toBe(200);
    expect((await auth.refresh(answer.body.refresh_token)).status).toBe(200);
  });

  it('tells the role that the user has now', async () => {
    const { refresh_token, user } = await auth.givenSession();
    await database.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [user.id]);
    const { body } = await auth.refresh(refresh_token);
    expect(body.user.role).toBe('admin');
  });

  it('with a used token revokes all that descends from the same login, and nothing else', async () => {
    const first = await auth.givenSession();
    const { body: otherLogin } = await auth.login({ email: first.user.email, password: PASSWORD });
    const { body: second } = await auth.refresh(first.refresh_token);
    const { body: third } = await auth.refresh(second.refresh_token);
    await expectDead(first.refresh_token);
    await expectDead(third.refresh_token);
    expect((await auth.refresh(otherLogin.refresh_token)).status).toBe(200);
  });

  it('refuses an expired token', async () => {
    const { refresh_token, user } = await auth.givenSession();
    await database.sql(
      `UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE user_id = $1`,
      [user.id],
    );
    await expectDead(refresh_token);
  });

  it('lives as long as REFRESH_TOKEN_TTL_SECONDS says', async () => {
    const { user } = await auth.givenSession();
    const [row] = await database.sql(
      'SELECT extract(epoch FROM expires_at - created_at)::int AS seconds FROM refresh_tokens WHERE user_id = $1',
      [user.id],
    );
    expect(row?.seconds).toBe(app.config.env.REFRESH_TOKEN_TTL_SECONDS);
  });

  it('refuses a token that is not ours', async () => {
    await expectDead('A'.repeat(43));
    await expectDead('x');
  });

  it.each<[string, unknown]>([
    ['no token', undefined],
    ['an empty one', ''],
    ['a number', 7],
    ['one with a NUL', 'a\0b'],
    ['one that is too long', 'x'.repeat(201)],
  ])('refuses %s as malformed', async (_, token) => {
    const answer = await auth.refresh(token);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: 'validation_failed', errors: [{ field: 'refresh_token' }] });
  });
});

describe('logging out', () => {
  it('ends the session, and again has no further effect', async () => {
    const first = await auth.givenSession();
    const { body: second } = await auth.refresh(first.refresh_token);
    for (const token of [second.refresh_token, second.refresh_token]) {
      const answer = await auth.logout(token);
      expect(answer.status).toBe(204);
      expect(answer.text).toBe('');
    }
    await expectDead(second.refresh_token);
  });

  it('with an older token of the session ends it as well', async () => {
    const first = await auth.givenSession();
    const { body: second } = await auth.refresh(first.refresh_token);
    expect((await auth.logout(first.refresh_token)).status).toBe(204);
    await expectDead(second.refresh_token);
  });

  it('leaves the other sessions of the user alone', async () => {
    const { refresh_token, user } = await auth.givenSession();
    const { body: other } = await auth.login({ email: user.email, password: PASSWORD });
    await auth.logout(refresh_token);
    expect((await auth.refresh(other.refresh_token)).status).toBe(200);
  });

  it('answers an unknown token the same, and refuses a malformed one', async () => {
    expect((await auth.logout('A'.repeat(43))).status).toBe(204);
    expect((await auth.logout(undefined)).status).toBe(400);
  });
});

it('forgets expired refresh tokens, and only those', async () => {
  const [over, live] = [await auth.givenSession(), await auth.givenSession()];
  await database.sql(`UPDATE refresh_tokens SET expires_at = now() WHERE user_id = $1`, [over.user.id]);
  await app.app.get(RefreshTokenCleanup).removeExpired();
  const rows = await database.sql('SELECT user_id FROM refresh_tokens WHERE user_id = ANY($1)', [
    [over.user.id, live.user.id],
  ]);
  expect(rows).toEqual([{ user_id: live.user.id }]);
});
