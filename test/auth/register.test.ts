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

const given = (members: object = {}) => ({
  email: newEmail(),
  password: PASSWORD,
  name: 'Ada Lovelace',
  ...members,
});

describe('registering', () => {
  it('makes a customer and begins a session', async () => {
    const answer = await auth.register(given({ email: '  Ada@Shop.Example ', name: '  Ada Lovelace ' }));
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      expires_in: 900,
      user: {
        id: expect.any(Number),
        email: 'ada@shop.example',
        name: 'Ada Lovelace',
        role: 'customer',
        points: 0,
      },
    });
    const { body } = await auth.me(`Bearer ${answer.body.access_token}`);
    expect(body).toEqual(answer.body.user);
  });

  it('refuses an e-mail that is registered, however it is written', async () => {
    const email = newEmail();
    await auth.givenSession(email);
    const answer = await auth.register(given({ email: ` ${email.toUpperCase()} ` }));
    expect(answer.status).toBe(409);
    expect(answer.headers['content-type']).toMatch('application/problem+json');
    expect(answer.body).toMatchObject({
      code: 'email_taken',
      detail: 'this email is already registered',
      error: 'this email is already registered',
    });
  });

  it('keeps neither the password nor the tokens in clear', async () => {
    const { access_token, refresh_token, user } = await auth.givenSession();
    const rows = await database.sql(
      `SELECT users::text || coalesce(t::text, '') AS row FROM users LEFT JOIN refresh_tokens t ON t.user_id = users.id
       WHERE users.id = $1`,
      [user.id],
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).toMatch('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const secret of [PASSWORD, access_token, refresh_token]) expect(rows[0]?.row).not.toMatch(secret);
  });

  it('never tells a password or its hash', async () => {
    const body = given();
    const session = await auth.register(body);
    const again = await auth.register(body);
    const unknownMember = await auth.register({ ...body, pass: PASSWORD });
    const login = await auth.login({ email: body.email, password: PASSWORD });
    const me = await auth.me(`Bearer ${session.body.access_token}`);
    for (const { text } of [session, again, unknownMember, login, me]) {
      expect(text).not.toMatch(PASSWORD);
      expect(text).not.toMatch(/argon2|password_hash/);
    }
  });
});

describe('registering is refused', () => {
  const EMAIL = 'email must be an email address';
  const PASSWORD_LENGTH = 'password must be between 10 and 128 characters';
  const NAME_LENGTH = 'name must be between 1 and 200 characters';
  const tooLong = `${'a'.repeat(64)}@${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(63)}.example`;

  it.each<[string, object, string, string]>([
    ['without an e-mail', { email: undefined }, 'email', EMAIL],
    ['with what is no e-mail', { email: 'ada' }, 'email', EMAIL],
    ['with an e-mail that is no text', { email: 7 }, 'email', EMAIL],
    ['with a list of e-mails', { email: ['ada@shop.example'] }, 'email', EMAIL],
    ['with an e-mail of more than 254 characters', { email: tooLong }, 'email', EMAIL],
    ['with a NUL in the e-mail', { email: 'a\0da@shop.example' }, 'email', EMAIL],
    ['with half a character in the e-mail', { email: '\ud800ada@shop.example' }, 'email', EMAIL],
    ['with an e-mail outside of ASCII', { email: 'ÄDA@shop.example' }, 'email', EMAIL],
    ['without a password', { password: undefined }, 'password', PASSWORD_LENGTH],
    ['with a short password', { password: 'ninechars' }, 'password', PASSWORD_LENGTH],
    ['with a long password', { password: 'x'.repeat(129) }, 'password', PASSWORD_LENGTH],
    ['with a password that is no text', { password: 12_345_678 }, 'password', PASSWORD_LENGTH],
    [
      'with a NUL in the password',
      { password: 'correct\0horse' },
      'password',
      'password must not have control characters',
    ],
    [
      'with half a character in the password',
      { password: 'correct\udfffhorse' },
      'password',
      'password must be valid Unicode',
    ],
    ['without a name', { name: undefined }, 'name', NAME_LENGTH],
    ['with a blank name', { name: '   ' }, 'name', NAME_LENGTH],
    ['with a long name', { name: 'x'.repeat(201) }, 'name', NAME_LENGTH],
    ['with a NUL in the name', { name: 'A\0da' }, 'name', 'name must not have control characters'],
    ['with half a character in the name', { name: 'Ada \ud83d' }, 'name', 'name must be valid Unicode'],
    ['as an admin', { role: 'admin' }, 'role', 'role is not a known member'],
    ['with points', { points: 1_000 }, 'points', 'points is not a known member'],
    ['with an id', { id: 1 }, 'id', 'id is not a known member'],
  ])('%s', async (_, members, field, message) => {
    const answer = await auth.register(given(members));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      code: 'validation_failed',
      detail: message,
      errors: [{ field, message }],
    });
  });

  it.each(['qwertyuiop', '1234567890', 'Password123', 'MANCHESTER'])(
    'with a password that everybody tries first: %s',
    async (password) => {
      const answer = await auth.register(given({ password }));
      const message = 'password is one of the most common; choose another';
      expect(answer.status).toBe(400);
      expect(answer.body).toMatchObject({
        code: 'validation_failed',
        detail: message,
        errors: [{ field: 'password', message }],
      });
    },
  );

  it('with the e-mail as the password', async () => {
    for (const password of ['ada.l@shop.example', ' Ada.L@Shop.Example ']) {
      const { status, body } = await auth.register({ email: 'ada.l@shop.example', password, name: 'Ada' });
      expect([status, body.errors]).toEqual([
        400,
        [{ field: 'password', message: 'password must not be the email' }],
      ]);
    }
  });

  it('without a body', async () => {
    expect((await auth.register([])).status).toBe(400);
    expect((await auth.post('register', {})).body.errors).toHaveLength(3);
  });

  it('but takes 10 and 128 characters, names in any script, and counts what people count', async () => {
    expect((await auth.register(given({ password: 'tencharact' }))).status).toBe(201);
    expect((await auth.register(given({ password: '🔑'.repeat(128) }))).status).toBe(201);
    const { status, body } = await auth.register(given({ name: `${'李'.repeat(199)}🦀` }));
    expect(status).toBe(201);
    expect(body.user.name).toBe(`${'李'.repeat(199)}🦀`);
  });
});
