import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

const HEADERS = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};
/** Of what serves it, and for browsers that nobody has. */
const NOWHERE = ['server', 'x-powered-by', 'x-xss-protection', 'x-download-options'];

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  const settings = {
    NODE_ENV: 'production',
    JWT_SECRET: 'kT8vQ2mZ4xN7bR1cW5yJ9pL3sD6fH0gA',
    TRUST_PROXY: 'loopback',
  };
  app = await bootApp(database, settings, (arranged) => {
    const fastify = arranged.getHttpAdapter().getInstance();
    const policy = "default-src 'self'";
    fastify.get('/a-page', (_: FastifyRequest, reply: FastifyReply) =>
      reply.header('Content-Security-Policy', policy).type('text/html').send('<p>'),
    );
    const onRequest = (_: FastifyRequest, { raw }: FastifyReply, done: () => void) => {
      raw.setHeader('Content-Security-Policy', policy);
      done();
    };
    fastify.get('/a-raw-page', { onRequest }, (_: FastifyRequest, reply: FastifyReply) => reply.send(''));
  });
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
});

/** The head of the answer to bytes that are no request of a library's making. */
async function say(text: string): Promise<{ status: string; headers: Record<string, string> }> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname).setEncoding('utf8');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.end(text);
  await once(socket, 'close');
  const [status = '', ...lines] = (answer.split('\r\n\r\n')[0] as string).split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const [name = '', ...value] = line.split(': ');
    return [name.toLowerCase(), value.join(': ')];
  });
  return { status, headers: Object.fromEntries(headers) };
}

async function headersOf(path: string, init?: RequestInit): Promise<Record<string, string>> {
  const response = await fetch(`${app.url}${path}`, init);
  await response.arrayBuffer();
  return Object.fromEntries(response.headers);
}

function expectSecured(headers: IncomingHttpHeaders | Record<string, string>): void {
  expect(headers).toMatchObject(HEADERS);
  expect(headers['x-request-id']).toMatch(/./);
  expect(NOWHERE.filter((name) => name in headers)).toEqual([]);
}

describe('every answer tells browsers to do next to nothing with it', () => {
  it.each<[string, string, RequestInit?]>([
    ['a list', '/api/v1/products'],
    ['a probe', '/health'],
    ['the metrics', '/metrics'],
    ['the document', '/openapi.json'],
    ['an unknown route', '/api/v1/nothing'],
    ['an unknown route outside of the API', '/nothing'],
    ['a missing token', '/api/v1/cart'],
    ['a wrong query', '/api/v1/products?limit=0'],
    [
      'a body that is no JSON',
      '/api/v1/auth/login',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' },
    ],
    ['a body of another kind', '/api/v1/auth/login', { method: 'POST', body: 'x' }],
    ['an OPTIONS that nobody has asked for', '/api/v1/products', { method: 'OPTIONS' }],
    ['a path that cannot be decoded', '/api/v1/products/%ZZ'],
    ['a parameter without end', `/api/v1/products/${'1'.repeat(400)}`],
  ])('%s', async (...[, path, init]) => {
    expectSecured(await headersOf(path, init));
  });

  it.each([
    ['a method that there is not', 'FOO /health HTTP/1.1\r\nHost: shop\r\n\r\n', /400/],
    ['headers without end', `GET /health HTTP/1.1\r\nHost: shop\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, /431/],
    ['a NUL in the path', 'GET /health\0 HTTP/1.1\r\nHost: shop\r\n\r\n', /400/],
    ['no host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', /400/],
    ['a target that is no path', 'OPTIONS * HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n', /404/],
    [
      'an expectation of its own',
      'GET /health HTTP/1.1\r\nHost: shop\r\nExpect: tea\r\nConnection: close\r\n\r\n',
      /417/,
    ],
    [
      'two lengths',
      'POST /health HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      /400/,
    ],
  ])('what no library sends: %s', async (_, text, status) => {
    const answer = await say(text);
    expect(answer.status).toMatch(status);
    expectSecured(answer.headers);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });
});

describe('a page', () => {
  it.each(['/a-page', '/a-raw-page'])('has the policy that it sets: %s', async (path) => {
    const headers = await headersOf(path);
    expect(headers).toMatchObject({ ...HEADERS, 'content-security-policy': "default-src 'self'" });
  });

  it.each(['/docs', '/docs/', '/docs/swagger-ui-bundle.js'])(
    'of the documentation has its own: %s',
    async (path) => {
      const policy = (await headersOf(path))['content-security-policy'];
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
    },
  );
});

describe('transport security', () => {
  const asked = async (headers: Record<string, string>, from = app): Promise<string | undefined> => {
    const outgoing = httpRequest(`${from.url}/health`, { headers }).end();
    const [incoming] = await once(outgoing, 'response');
    incoming.resume();
    return incoming.headers['strict-transport-security'];
  };

  it('is asked of whoever has come by TLS, as the trusted proxy says', async () => {
    expect(await asked({ 'x-forwarded-proto': 'https' })).toBe('max-age=31536000');
    expect(await asked({ 'x-forwarded-proto': 'http' })).toBeUndefined();
    expect(await asked({})).toBeUndefined();
  });

  it('is not asked outside of production, nor for the word of a stranger', async () => {
    const other = await bootApp(database);
    expect(await asked({ 'x-forwarded-proto': 'https' }, other)).toBeUndefined();
    await other.close();
  });
});
