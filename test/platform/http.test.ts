import { once } from 'node:events';
import { connect } from 'node:net';
import pg from 'pg';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenCustomer } from '../support/given.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MEBIBYTE = 1_048_576;
const JSON_BODY = { 'content-type': 'application/json' };

let database: TestDatabase;
let app: TestApp;
let customer: GivenUser;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  customer = await givenCustomer(app);
});

afterAll(async () => {
  await app.close();
  await database.drop();
});

const call = (path: string, init: RequestInit = {}, from = app) => fetch(`${from.url}${path}`, init);

/** Adds to the cart, with the body as it is. */
const post = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = JSON_BODY) =>
  call('/api/v1/cart/items', { method: 'POST', headers: { ...customer.headers, ...headers }, body });

/** The problem in an answer, which has everything that every problem has. */
async function problemOf(response: Response, status: number, code: string): Promise<any> {
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status });
  const problem = JSON.parse(text);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  expect(response.headers.get('x-request-id')).toBe(problem.request_id);
  expect(problem).toMatchObject({ type: `urn:holdfast:problem:${code}`, status, code });
  expect(problem.error).toBe(problem.detail);
  expect([problem.title, problem.detail]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
  // No stack, no SQL, no file of ours.
  expect(text).not.toMatch(/\bat \/|node_modules|\.(js|ts):\d|SELECT|INSERT|relation "|Sequelize/);
  return problem;
}

/** What the server says to bytes that are no request of fetch's making. */
async function say(text: string): Promise<string> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.end(text);
  await once(socket, 'close');
  return answer;
}

describe('request ids', () => {
  it.each(['a', 'client-7:42.b_c', '0'.repeat(128)])('takes a sane one: %s', async (id) => {
    const response = await call('/health', { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
  });

  it.each(['', ' ', 'two words', 'quote"', '0'.repeat(129), 'ümlaut', '<script>'])(
    'makes one instead of %j',
    async (id) => {
      const response = await call('/health', { headers: { 'x-request-id': id } });
      expect(response.headers.get('x-request-id')).toMatch(UUID);
    },
  );

  it('makes a new one each time', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await call('/health')).headers.get('x-request-id')),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('puts it on errors, too, and into their body', async () => {
    const response = await call('/api/v1/nothing', { headers: { 'x-request-id': 'mine' } });
    expect(await problemOf(response, 404, 'not_found')).toMatchObject({ request_id: 'mine' });
  });
});

describe('problem details', () => {
  it('say everything at an unknown route', async () => {
    const problem = await problemOf(await call('/api/v1/nothing?secret=1'), 404, 'not_found');
    expect(problem).toEqual({
      type: 'urn:holdfast:problem:not_found',
      title: 'Not Found',
      status: 404,
      detail: 'no such route',
      instance: '/api/v1/nothing',
      code: 'not_found',
      error: 'no such route',
      request_id: expect.stringMatching(UUID),
    });
  });

  it.each([
    ['PATCH', '/api/v1/products', 'GET, HEAD, POST'],
    ['PUT', '/api/v1/products/1?a=b', 'GET, HEAD, PATCH, DELETE'],
    ['GET', '/api/v1/auth/login', 'POST'],
    ['POST', '/api/v1/orders/01939b1e-7c1a-7000-8000-3f3f1a2b4c5d', 'GET, HEAD'],
    ['DELETE', '/health', 'GET, HEAD'],
  ])('are the answer to %s %s, and name the methods that are there', async (method, path, allowed) => {
    const response = await call(path, { method });
    expect(response.headers.get('allow')).toBe(allowed);
    const problem = await problemOf(response, 405, 'method_not_allowed');
    expect(problem.detail).toBe(`there is no ${method} here, only ${allowed}`);
  });

  it.each([
    ['GET', '/api/v1/nothing'],
    ['PUT', '/api/v1/nothing'],
    ['PATCH', '/api/v1/products/1/nothing'],
    ['DELETE', '/nothing'],
    ['OPTIONS', '/api/v1/products'],
    ['GET', '/docs/nothing.js'],
    ['GET', '/admin/assets/nothing.js'],
  ])('are 404 to %s %s, which there is for nobody', async (method, path) => {
    const response = await call(path, { method });
    expect(response.headers.get('allow')).toBeNull();
    await problemOf(response, 404, 'not_found');
  });

  it('name each field that is wrong', async () => {
    const problem = await problemOf(await post('{"product_id":"one","size":3}'), 400, 'validation_failed');
    expect(problem.errors).toEqual(
      expect.arrayContaining([
        { field: 'size', message: 'size is not a known member' },
        { field: 'product_id', message: 'product_id must be a positive integer' },
        { field: 'quantity', message: 'quantity must be between 1 and 99' },
      ]),
    );
  });

  it('are never cached', async () => {
    expect((await call('/api/v1/nothing')).headers.get('cache-control')).toBe('no-store');
  });

  it('are the answer to a path that is no path', async () => {
    await problemOf(await call('/api/v1/products/%ZZ'), 400, 'bad_request');
  });

  it('are the answer to a method that HTTP does not have, and the connection ends', async () => {
    const answer = await say('FOO /health HTTP/1.1\r\nHost: shop\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('Content-Type: application/problem+json');
    expect(answer).toContain('"code":"bad_request"');
    expect(answer).toContain('Connection: close');
  });

  it('are the answer to headers without end', async () => {
    const answer = await say(`GET /health HTTP/1.1\r\nHost: shop\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });
});

describe('a token', () => {
  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer nonsense',
    'Bearer a.b.c',
    'Bearer two tokens',
    'Basic YTpi',
    'x',
  ])('that is none is 401: %j', async (authorization) => {
    const response = await call('/api/v1/cart', { headers: { authorization } });
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    const code = /^bearer/i.test(authorization) ? 'invalid_token' : 'unauthenticated';
    await problemOf(response, 401, code);
  });

  it('is found whatever the case of its scheme', async () => {
    const authorization = customer.headers.authorization.replace('Bearer', 'bEARER');
    expect((await call('/api/v1/cart', { headers: { authorization } })).status).toBe(200);
  });
});

describe('a body', () => {
  it.each([
    '{',
    '{"product_id":1,',
    "{'product_id':1}",
    '{"product_id":1}}',
    'NaN',
    '\u0000',
    'undefined',
    '{"a":01}',
  ])('that is no JSON is 400: %j', async (text) => {
    await problemOf(await post(text), 400, 'malformed_json');
  });

  it('whose bytes are no UTF-8 is 400', async () => {
    const body = Buffer.from('{"product_id":1,"quantity":1,"note":"caf\xe9"}', 'latin1');
    await problemOf(await post(body), 400, 'malformed_json');
  });

  it.each(['[]', '"text"', '7', 'true', '[{"product_id":1,"quantity":1}]'])(
    'that is no object is 400: %s',
    async (text) => {
      const problem = await problemOf(await post(text), 400, 'validation_failed');
      expect(problem.detail).toBe('the body must be a JSON object');
    },
  );

  it.each([
    '{"__proto__":{"admin":true},"product_id":1,"quantity":1}',
    '{"product_id":1,"quantity":1,"a":{"__proto__":{"admin":true}}}',
    '{"constructor":{"prototype":{"admin":true}},"product_id":1,"quantity":1}',
  ])('that reaches for prototypes is 400: %s', async (text) => {
    await problemOf(await post(text), 400, 'malformed_json');
    expect(({} as any).admin).toBeUndefined();
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/html',
    'json',
  ])('of another kind is 415: %s', async (type) => {
    const response = await post('{"product_id":1,"quantity":1}', { 'content-type': type });
    const problem = await problemOf(response, 415, 'unsupported_media_type');
    expect(problem.detail).toBe('the body must be application/json');
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'of the right kind is taken: %s',
    async (type) => {
      const response = await post('{"product_id":1,"quantity":1}', { 'content-type': type });
      expect(response.status).toBe(200);
    },
  );

  it('may be missing, empty or null where every member is optional', async () => {
    const url = '/api/v1/orders/01939b1e-7c1a-7000-8000-3f3f1a2b4c5d/cancel';
    const headers = { ...customer.headers, ...JSON_BODY };
    for (const body of [undefined, '', 'null', '{}']) {
      const response = await call(url, { method: 'POST', headers, body });
      expect([body, response.status]).toEqual([body, 404]);
    }
  });

  it('is asked for its members where they are needed', async () => {
    await problemOf(await post(''), 400, 'validation_failed');
  });

  it('may have a mebibyte', async () => {
    const body = '{"product_id":1,"quantity":1}';
    expect((await post(body.padEnd(MEBIBYTE))).status).toBe(200);
  });

  it('over a mebibyte is 413', async () => {
    await problemOf(await post('{}'.padEnd(MEBIBYTE + 1)), 413, 'body_too_large');
  });

  it('over a mebibyte is 413 when its size is not told before', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(MEBIBYTE / 4));
    let sent = 0;
    const body = new ReadableStream({
      pull: (stream) => (sent++ < 5 ? stream.enqueue(chunk) : stream.close()),
    });
    const init = { method: 'POST', headers: { ...customer.headers, ...JSON_BODY }, body, duplex: 'half' };
    const response = await call('/api/v1/cart/items', init as RequestInit);
    await problemOf(response, 413, 'body_too_large');
  });

  const nested = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const wide = (members: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, at) => [`m${at}`, at])));
  it.each([
    ['nested a hundred thousand deep', nested(100_000), 'the body must not nest deeper than 20 levels'],
    ['nested 21 deep', nested(20), 'the body must not nest deeper than 20 levels'],
    ['of fifty thousand members', wide(50_000), 'an object must have at most 100 members'],
    [
      'of a list without end',
      `{"items":[${'0,'.repeat(200_000)}0]}`,
      'a list must have at most 2000 entries',
    ],
  ])('%s is 400, also with an idempotency key', async (_, text, detail) => {
    const problem = await problemOf(await post(text), 400, 'validation_failed');
    expect(problem).toMatchObject({ detail, errors: [{ field: '', message: detail }] });
    const keyed = await post(text, { ...JSON_BODY, 'idempotency-key': 'k' });
    await problemOf(keyed, 400, 'validation_failed');
  });

  it('within the bounds gets to its route', async () => {
    const problem = await problemOf(await post(nested(19)), 400, 'validation_failed');
    expect(problem.errors).toContainEqual({ field: 'a', message: 'a is not a known member' });
  });

  it('is not looked for in a GET', async () => {
    const answer = await say(
      'GET /health HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 1\r\nConnection: close\r\n\r\n{',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('every answer', () => {
  it.each(['/health', '/api/v1/products', '/openapi.json', '/docs', '/api/v1/nothing', '/api/v1/cart'])(
    'of %s forbids sniffing and does not tell what serves it',
    async (path) => {
      const { headers } = await call(path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect([headers.get('x-powered-by'), headers.get('server')]).toEqual([null, null]);
    },
  );

  it('to HEAD is that to GET without its body', async () => {
    const get = await call('/api/v1/products');
    const head = await call('/api/v1/products', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await get.text()).length).toBeGreaterThan(0);
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
  });

  it('to HEAD of nothing is 404 without a body', async () => {
    const head = await call('/api/v1/nothing', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([404, '']);
  });
});

describe('health', () => {
  it('lives', async () => {
    const response = await call('/health');
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('is ready with a migrated database', async () => {
    const response = await call('/health/ready');
    const checks = { database: 'up', migrations: 'up', outbox: 'up' };
    expect([response.status, await response.json()]).toEqual([200, { status: 'up', checks }]);
  });

  it('is not ready before the migrations have run', async () => {
    const own = await cloneDatabase();
    await own.sql(
      `DELETE FROM schema_journal WHERE name = (SELECT max(name) FROM schema_journal WHERE kind = 'migrations')`,
    );
    const other = await bootApp(own);
    const response = await call('/health/ready', {}, other);
    const checks = { database: 'up', migrations: 'down', outbox: 'up' };
    expect([response.status, await response.json()]).toEqual([503, { status: 'down', checks }]);
    await other.close();
    await own.drop();
  });
});

describe('a fault of ours', () => {
  it('is 500 and tells nothing about itself', async () => {
    const own = await cloneDatabase();
    const other = await bootApp(own);
    await own.sql('ALTER TABLE products RENAME TO hidden');
    const problem = await problemOf(await call('/api/v1/products/1', {}, other), 500, 'internal_error');
    expect(problem.detail).toBe('something went wrong on our side');
    await other.close();
    await own.drop();
  });

  it('is 503 with Retry-After while the database is gone; the process lives and says that it is not ready', async () => {
    const own = await cloneDatabase();
    const other = await bootApp(own);
    expect((await call('/api/v1/products', {}, other)).status).toBe(200);
    await own.drop();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const response = await call('/api/v1/products', {}, other);
      expect(response.headers.get('retry-after')).toBe('1');
      await problemOf(response, 503, 'database_unavailable');
    }
    expect((await call('/health', {}, other)).status).toBe(200);
    const ready = await call('/health/ready', {}, other);
    expect([ready.status, (await ready.json()).checks.database]).toEqual([503, 'down']);
    await other.close();
  });
});

describe('closing', () => {
  it('finishes what is under way, is not ready meanwhile, and ends each connection with its answer', async () => {
    const other = await bootApp(database);
    const buyer = await givenCustomer(other);
    const keeper = new pg.Client({ connectionString: database.url });
    await keeper.connect();
    await keeper.query('BEGIN; LOCK TABLE carts IN ACCESS EXCLUSIVE MODE');
    const headers = { ...buyer.headers, ...JSON_BODY };
    const init = { method: 'POST', headers, body: '{"product_id":1,"quantity":1}' };
    const answer = call('/api/v1/cart/items', init, other);
    await untilOneWaitsForCarts();
    const { hostname, port } = new URL(other.url);
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');

    const closed = other.close();
    const ready = await call('/health/ready', {}, other);
    expect(ready.headers.get('connection')).toBe('close');
    expect([ready.status, (await ready.json()).status]).toEqual([503, 'down']);
    expect((await call('/api/v1/products', {}, other)).status).toBe(200);

    await keeper.query('COMMIT');
    await keeper.end();
    expect((await answer).headers.get('connection')).toBe('close');
    expect((await answer).status).toBe(200);
    // Also of who has connected and never asked anything.
    await once(silent, 'close');
    await closed;
    await expect(call('/health', {}, other)).rejects.toThrow('fetch failed');
  });
});

async function untilOneWaitsForCarts(): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const waiting = await database.sql(
      `SELECT FROM pg_locks WHERE NOT granted AND relation = 'carts'::regclass`,
    );
    if (waiting.length === 1) return;
    if (Date.now() > deadline) throw new Error('Nobody waits for the carts.');
  }
}
