import { JwtService, type JwtSignOptions } from '@nestjs/jwt';
import request from 'supertest';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenCustomer } from '../support/given.js';
import { AuthCalls } from './calls.js';

let database: TestDatabase;
let app: TestApp;
let auth: AuthCalls;
let customer: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  auth = new AuthCalls(app);
  customer = await givenCustomer(app);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

const INVALID = 'the access token is invalid or has expired';
const get = (path: string) => request(app.url).get(path);

/** As our own tokens say it. */
const keyId = () =>
  JSON.parse(Buffer.from(customer.token.split('.')[0] as string, 'base64url').toString()).kid;

/** A token as ours are, but for the members and options. */
function forge(members: object = {}, options: JwtSignOptions = {}): string {
  return new JwtService().sign(
    { role: 'customer', ...members },
    {
      secret: app.config.env.JWT_SECRET,
      algorithm: 'HS256',
      keyid: keyId(),
      subject: String(customer.id),
      issuer: 'holdfast',
      audience: 'holdfast-api',
      expiresIn: 60,
      ...options,
    },
  );
}

/** Without an end, which the options above cannot leave out. */
const forgeEternal = () =>
  new JwtService({ secret: app.config.env.JWT_SECRET }).sign(
    { sub: String(customer.id), role: 'customer', iss: 'holdfast', aud: 'holdfast-api' },
    { keyid: keyId() },
  );

const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** The same signature under another text. */
function alter(token: string, part: 0 | 1, members: object): string {
  const parts = token.split('.');
  const given = JSON.parse(Buffer.from(parts[part] as string, 'base64url').toString());
  parts[part] = encode({ ...given, ...members });
  return parts.join('.');
}

describe('a route that needs a caller', () => {
  it('lets a good token in', async () => {
    const { status, body } = await auth.me(`Bearer ${customer.token}`);
    expect(status).toBe(200);
    expect(body).toEqual({ ...customer.user, points: 0 });
    expect((await auth.me(`bearer   ${forge()}`)).status).toBe(200);
  });

  it.each<[string, string | undefined]>([
    ['no token', undefined],
    ['another scheme', 'Basic YWRhOmxvdmVsYWNl'],
    ['an empty header', ''],
  ])('asks for a token when there is %s', async (_, header) => {
    const answer = await auth.me(header);
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(answer.body).toMatchObject({
      code: 'unauthenticated',
      detail: 'an access token is required',
      error: 'an access token is required',
    });
  });

  it.each<[string, () => string]>([
    ['is empty', () => ''],
    ['is no token', () => 'holdfast'],
    ['has something behind it', () => `${customer.token} more`],
    ['has expired', () => forge({}, { expiresIn: -1 })],
    ['is not good yet', () => forge({}, { notBefore: 60 })],
    ['never expires', () => forgeEternal()],
    ['is signed with another secret', () => forge({}, { secret: 'another-secret-0123456789abcdefghijklm' })],
    ['is signed with another algorithm', () => forge({}, { algorithm: 'HS512' })],
    ['is signed with a key that we do not have', () => forge({}, { keyid: 'another' })],
    ['is not signed', () => `${encode({ alg: 'none', typ: 'JWT', kid: keyId() })}.${forge().split('.')[1]}.`],
    ['says that it is not signed', () => alter(forge(), 0, { alg: 'none' })],
    ['has lost its signature', () => forge().split('.').slice(0, 2).join('.')],
    ['has another role than was signed', () => alter(customer.token, 1, { role: 'admin' })],
    ['has another subject than was signed', () => alter(customer.token, 1, { sub: '2147483647' })],
    ['comes from another issuer', () => forge({}, { issuer: 'holdfast.example' })],
    ['is for another audience', () => forge({}, { audience: 'another-api' })],
    ['has another role than the user', () => forge({ role: 'admin' })],
    ['has a role that there is not', () => forge({ role: 'root' })],
    ['has a list of roles', () => forge({ role: ['admin'] })],
    ['has a subject that is no id', () => forge({}, { subject: '1 OR 1=1' })],
  ])('refuses a token that %s', async (_, token) => {
    const answer = await auth.me(`Bearer ${token()}`);
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ code: 'invalid_token', detail: INVALID, error: INVALID });
  });

  it('refuses the token of a user who is gone', async () => {
    const { body, status } = await auth.me(`Bearer ${forge({}, { subject: '2147483647' })}`);
    expect(status).toBe(401);
    expect(body.code).toBe('invalid_token');
  });
});

describe('a public route', () => {
  it('is for everybody', async () => {
    expect((await get('/health')).status).toBe(200);
    expect((await get('/health').set(customer.headers)).status).toBe(200);
    expect((await get('/health').set('Authorization', 'Basic YWRhOmxvdmVsYWNl')).status).toBe(200);
  });

  it('refuses a bad token all the same', async () => {
    const { status, body } = await get('/health').set(
      'Authorization',
      `Bearer ${forge({}, { expiresIn: -1 })}`,
    );
    expect(status).toBe(401);
    expect(body.code).toBe('invalid_token');
  });
});

describe('a route for admins', () => {
  const PATH = '/api/v1/admin/orders';

  it('lets admins in', async () => {
    const admin = await givenAdmin(app, database);
    expect((await get(PATH).set(admin.headers)).status).toBe(200);
  });

  it('refuses a customer', async () => {
    const { status, body } = await get(PATH).set(customer.headers);
    expect(status).toBe(403);
    expect(body).toMatchObject({ code: 'forbidden', detail: 'this needs the role admin' });
  });

  it('asks a stranger for a token', async () => {
    const { status, body } = await get(PATH);
    expect(status).toBe(401);
    expect(body.code).toBe('unauthenticated');
  });
});
