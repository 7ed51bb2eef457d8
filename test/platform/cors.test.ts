import fastify from 'fastify';
import type { Config } from '../../src/platform/config/config.js';
import { allowOrigins } from '../../src/platform/http/cors.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

const SHOP = 'https://shop.example';
const STAFF = 'https://staff.shop.example:8443';

describe('a web page of another origin', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await cloneDatabase();
    // One call a minute on every budget.
    app = await bootApp(database, { CORS_ORIGINS: `${SHOP}, ${STAFF}`, RATE_LIMIT_FACTOR: '0.001' });
  });

  afterAll(async () => {
    await app?.close();
    await database?.drop();
  });

  const ask = (method: string, path: string, headers: Record<string, string>) =>
    fetch(`${app.url}${path}`, { method, headers });
  const preflight = (origin: string, path = '/api/v1/checkout', method = 'POST') =>
    ask('OPTIONS', path, {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
    });

  it.each([SHOP, STAFF])('%s asks before it calls, without a token, and may', async (origin) => {
    const response = await preflight(origin);
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Api-Key, X-Request-Id',
      'access-control-max-age': '7200',
      vary: 'Origin',
      'x-request-id': expect.any(String),
    });
    expect(response.headers.has('access-control-allow-credentials')).toBe(false);
  });

  it('may ask for any route that there is, and for those that there are not', async () => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST']) {
      expect((await preflight(SHOP, '/api/v1/cart/items/1', method)).status).toBe(204);
    }
    expect((await preflight(SHOP, '/api/v1/nothing')).status).toBe(204);
  });

  it('may ask as often as it likes', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => preflight(SHOP, '/api/v1/auth/login')),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(204));
    expect(answers.some(({ headers }) => headers.has('ratelimit-limit'))).toBe(false);
  });

  it.each([
    'https://evil.example',
    'http://shop.example',
    'https://shop.example:8443',
    'https://shop.example.evil.example',
    'https://xshop.example',
    'https://SHOP.example',
    'http://localhost:5173',
    'null',
  ])('%s may not', async (origin) => {
    const asked = await preflight(origin);
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([404, null]);
    expect((await asked.json()).code).toBe('not_found');
    const called = await ask('GET', '/health', { Origin: origin });
    expect([called.status, called.headers.get('access-control-allow-origin')]).toEqual([200, null]);
    expect(called.headers.get('vary')).toBe('Origin');
  });

  it('is shown what it needs to go on, also of refusals', async () => {
    for (const path of ['/api/v1/products', '/api/v1/products', '/api/v1/cart', '/api/v1/nothing']) {
      const { headers } = await ask('GET', path, { Origin: SHOP });
      expect([path, headers.get('access-control-allow-origin')]).toEqual([path, SHOP]);
      // The catalog varies by more; it must not forget this.
      expect([path, headers.get('vary')]).toEqual([path, expect.stringMatching(/^Origin\b/)]);
      expect(headers.get('access-control-expose-headers')).toBe(
        'ETag, Idempotent-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id',
      );
    }
    expect((await ask('GET', '/api/v1/products', { Origin: SHOP })).status).toBe(429);
  });

  it('is kept apart by caches', async () => {
    expect((await ask('GET', '/health', {})).headers.get('vary')).toBe('Origin');
    const { headers } = await ask('GET', '/openapi.json', { Origin: SHOP });
    expect(headers.get('vary')).toBe('Origin, Authorization, Accept-Encoding');
    const known = { Origin: STAFF, 'If-None-Match': headers.get('etag') as string };
    const again = await ask('GET', '/openapi.json', known);
    expect([again.status, again.headers.get('vary')]).toEqual([304, headers.get('vary')]);
  });

  it('who names no origin is no web page: OPTIONS is 404, as ever', async () => {
    const response = await ask('OPTIONS', '/api/v1/products', {});
    expect([response.status, (await response.json()).code]).toEqual([404, 'not_found']);
  });
});

describe('configured', () => {
  /** The one header that decides, of an answer to a page of this origin. */
  async function allowed(corsOrigins: Config['corsOrigins'], origin: string): Promise<unknown> {
    const server = fastify();
    await allowOrigins(server, { corsOrigins });
    server.get('/', () => 'ok');
    const { headers } = await server.inject({ url: '/', headers: { origin } });
    await server.close();
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
    return headers['access-control-allow-origin'];
  }

  it('for all, it is for all, and says so', async () => {
    expect(await allowed('any', 'https://anybody.example')).toBe('*');
    expect(await allowed('any', 'null')).toBe('*');
  });

  it.each(['http://localhost:5173', 'http://localhost', 'http://127.0.0.1:8080', 'https://[::1]:4200'])(
    'for this machine, it is for %s',
    async (origin) => expect(await allowed('this machine', origin)).toBe(origin),
  );

  it.each([
    'http://localhost.evil.example',
    'http://evil.example',
    'http://127.0.0.1.evil.example',
    'http://localhost:5173.evil.example',
    'http://192.168.0.1:5173',
    'file://localhost',
    'null',
  ])('for this machine, it is not for %s', async (origin) =>
    expect(await allowed('this machine', origin)).toBeUndefined(),
  );

  it('for nobody, it is off', async () => {
    expect(await allowed([], SHOP)).toBeUndefined();
  });
});
