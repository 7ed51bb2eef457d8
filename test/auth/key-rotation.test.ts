import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { SigningKeys } from '../../src/auth/signing-keys.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD, type GivenUser, givenAdmin, givenCustomer } from '../support/given.js';
import { type Answer, call, expectProblem } from '../support/given-shop.js';

const OLD = 'old-for-tests-0123456789abcdefghijklm';
const NEXT = 'next-for-tests-0123456789abcdefghijkl';

let database: TestDatabase;
/** Not changed yet: it signs with the old secret, and knows the next one already. */
let behind: TestApp;
/** Changed: it signs with the next secret, and still believes the old one. */
let ahead: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  [behind, ahead] = await Promise.all([
    bootApp(database, { JWT_SECRET: OLD, JWT_PREVIOUS_SECRETS: NEXT }),
    bootApp(database, { JWT_SECRET: NEXT, JWT_PREVIOUS_SECRETS: OLD }),
  ]);
});

afterAll(async () => {
  await Promise.all([behind?.close(), ahead?.close()]);
  await database?.drop();
});

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const me = (app: TestApp, token: string): Promise<Answer> =>
  call(app, null, 'GET', '/auth/me', bearer(token));
const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString());

describe('while the secret is being changed', () => {
  it('each instance believes what the other has signed, with another key', async () => {
    const [old, next] = [await givenCustomer(behind), await givenCustomer(ahead)];
    for (const app of [behind, ahead]) {
      for (const { id, token } of [old, next]) {
        const answer = await me(app, token);
        expect([answer.status, answer.body.id]).toEqual([200, id]);
      }
    }
    expect(headerOf(old.token)).toEqual({
      alg: 'HS256',
      typ: 'JWT',
      kid: expect.stringMatching(/^[\w-]{12}$/),
    });
    expect(headerOf(old.token).kid).not.toBe(headerOf(next.token).kid);
  });

  it('a session goes on from one to the other, and is logged in once', async () => {
    const { user } = await givenCustomer(behind);
    const body = { email: user.email, password: GIVEN_PASSWORD };
    let { access_token, refresh_token } = (await call(behind, null, 'POST', '/auth/login', { body })).body;
    for (const app of [ahead, behind, ahead]) {
      const refreshed = await call(app, null, 'POST', '/auth/refresh', { body: { refresh_token } });
      expect(refreshed.status).toBe(200);
      expect((await me(app, access_token)).status).toBe(200);
      ({ access_token, refresh_token } = refreshed.body);
      expect((await me(behind, access_token)).status).toBe(200);
    }
  });

  it.each([
    ['after', () => behind, () => ahead],
    ['before', () => ahead, () => behind],
  ])('a repeat is shown the secret that an instance %s it has sealed', async (_, sealing, opening) => {
    const admin = await givenAdmin(behind, database);
    const create = (app: TestApp) =>
      call(app, admin, 'POST', '/admin/api-keys', {
        body: { name: 'warehouse', scopes: ['inventory:read'] },
        key: 'the-key',
      });
    const first = await create(sealing());
    const again = await create(opening());
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
  });

  it('who holds a token of a secret that is gone gets a new one, and need not log in', async () => {
    const { user, token } = await givenCustomer(behind);
    const body = { email: user.email, password: GIVEN_PASSWORD };
    const { refresh_token } = (await call(behind, null, 'POST', '/auth/login', { body })).body;
    const after = await bootApp(database, { JWT_SECRET: NEXT });
    expectProblem(await me(after, token), 401, 'invalid_token');
    const refreshed = await call(after, null, 'POST', '/auth/refresh', { body: { refresh_token } });
    expect((await me(after, refreshed.body.access_token)).status).toBe(200);
    await after.close();
  });
});

describe('a token that we did not sign so', () => {
  const keys = new SigningKeys([NEXT, OLD]);
  const kid = keys.current.id;
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = () => Math.floor(Date.now() / 1_000);
  let ada: GivenUser;

  beforeAll(async () => {
    ada = await givenCustomer(ahead);
  });

  const claims = (others: object = {}) => ({
    sub: String(ada.id),
    role: 'customer',
    iss: 'holdfast',
    aud: 'holdfast-api',
    iat: now(),
    exp: now() + 60,
    ...others,
  });

  /** Signed by hand: no library keeps the nonsense out. */
  function token(header: object, members: object, signature: (text: string) => string): string {
    const text = `${encode({ typ: 'JWT', kid, ...header })}.${encode(members)}`;
    return `${text}.${signature(text)}`;
  }
  const hmac =
    (hash: string, secret: string = NEXT) =>
    (text: string) =>
      createHmac(hash, secret).update(text).digest('base64url');
  const rsa = (text: string) => signWith('RSA-SHA256', Buffer.from(text), privateKey).toString('base64url');
  const hs256 = { alg: 'HS256' };

  it('unlike one that we might have', async () => {
    const good = await me(ahead, token(hs256, claims(), hmac('sha256')));
    expect([good.status, good.body.id]).toEqual([200, ada.id]);
  });

  it.each<[string, () => string]>([
    ['with no algorithm', () => token({ alg: 'none' }, claims(), () => '')],
    ['with no algorithm, and signed', () => token({ alg: 'none' }, claims(), hmac('sha256'))],
    ['with None in another spelling', () => token({ alg: 'nOnE' }, claims(), () => '')],
    ['with a longer hash, well signed', () => token({ alg: 'HS384' }, claims(), hmac('sha384'))],
    ['with the longest hash, well signed', () => token({ alg: 'HS512' }, claims(), hmac('sha512'))],
    ['by a private key', () => token({ alg: 'RS256' }, claims(), rsa)],
    ['by a private key, and called ours', () => token(hs256, claims(), rsa)],
    ['with a public key as its secret', () => token(hs256, claims(), hmac('sha256', publicPem))],
    [
      'with its own key in the header',
      () => token({ ...hs256, jwk: { kty: 'oct', k: 'YQ' } }, claims(), hmac('sha256', 'a')),
    ],
    ['with no secret at all', () => token(hs256, claims(), hmac('sha256', ''))],
    ['with a key that is not known', () => token({ ...hs256, kid: 'unknown' }, claims(), hmac('sha256'))],
    [
      'with a key of another secret of ours',
      () => token({ ...hs256, kid: keys.current.id }, claims(), hmac('sha256', OLD)),
    ],
    ['without saying with which key', () => token({ ...hs256, kid: undefined }, claims(), hmac('sha256'))],
    ['with a list of keys', () => token({ ...hs256, kid: [kid] }, claims(), hmac('sha256'))],
    [
      'with a path as its key',
      () => token({ ...hs256, kid: '../../dev/null' }, claims(), hmac('sha256', '')),
    ],
    [
      'with a member of every object as its key',
      () => token({ ...hs256, kid: '__proto__' }, claims(), hmac('sha256')),
    ],
    ['for another issuer', () => token(hs256, claims({ iss: 'holdfast.example' }), hmac('sha256'))],
    ['for no issuer', () => token(hs256, claims({ iss: undefined }), hmac('sha256'))],
    ['for another audience', () => token(hs256, claims({ aud: 'another-api' }), hmac('sha256'))],
    ['for no audience', () => token(hs256, claims({ aud: undefined }), hmac('sha256'))],
    ['without an end', () => token(hs256, claims({ exp: undefined }), hmac('sha256'))],
    ['with an end that is no time', () => token(hs256, claims({ exp: 'never' }), hmac('sha256'))],
    ['after its end', () => token(hs256, claims({ exp: now() - 1 }), hmac('sha256'))],
  ])('is refused: %s', async (_, forged) => {
    expectProblem(await me(ahead, forged()), 401, 'invalid_token');
  });
});
