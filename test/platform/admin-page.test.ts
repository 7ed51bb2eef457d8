import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { serveAdminPage } from '../../src/platform/http/admin-page.js';

const PAGE =
  '<meta property="csp-nonce" nonce="__CSP_NONCE__"><script src="/admin/assets/index-a1.js"></script>';
const SCRIPT = 'console.log("built")';

let folder: string;
let server: ReturnType<typeof fastify>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-admin-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), PAGE);
  await writeFile(join(folder, 'assets/index-a1.js'), SCRIPT);
  await writeFile(join(folder, 'assets/index-a1.js.br'), 'compressed');
  await writeFile(join(folder, 'secret.txt'), 'not a part of the page');
  server = fastify();
  serveAdminPage(server, folder);
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const get = (url: string, headers = {}) => server.inject({ url, headers });
const nonceIn = (policy: unknown) =>
  /style-src 'self' 'nonce-([A-Za-z0-9+/=]{24})'/.exec(String(policy))?.[1];

describe("the admin's page", () => {
  it('is at /admin/, and /admin leads there', async () => {
    const { statusCode, headers } = await get('/admin');
    expect([statusCode, headers.location]).toEqual([308, '/admin/']);
    const page = await get('/admin/');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  });

  it.each([
    '/admin/products',
    '/admin/orders/01939b1e-7c1a-7000-8000-3f3f1a2b4c5d/show',
    '/admin/orders/1/show?x=1',
    '/admin/users?q=ada@shop.example',
  ])('is what %s shows, too', async (path) => {
    const { body } = await get(path);
    expect(body.replace(/nonce="[^"]+"/, 'nonce="__CSP_NONCE__"')).toBe(PAGE);
  });

  it('is asked for anew each time, under a policy that lets in nothing foreign and nothing inline', async () => {
    const { headers } = await get('/admin/');
    expect(headers['cache-control']).toBe('no-cache');
    const policy = String(headers['content-security-policy']).split('; ');
    expect(policy).toEqual(
      expect.arrayContaining([
        "default-src 'self'",
        "script-src 'self'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
      ]),
    );
    expect(policy.join()).not.toContain('unsafe');
  });

  it('carries the nonce of its own policy, which no other answer has', async () => {
    const answers = [await get('/admin/'), await get('/admin/')];
    const nonces = answers.map(({ headers }) => nonceIn(headers['content-security-policy']));
    for (const [index, { body }] of answers.entries()) expect(body).toContain(`nonce="${nonces[index]}"`);
    expect(new Set(nonces).size).toBe(2);
  });

  it('has files that are kept for ever, and come compressed to whoever takes that', async () => {
    const plain = await get('/admin/assets/index-a1.js');
    expect([plain.body, plain.headers['cache-control']]).toEqual([
      SCRIPT,
      'public, max-age=31536000, immutable',
    ]);
    const { headers } = await get('/admin/assets/index-a1.js', { 'accept-encoding': 'br' });
    expect(headers).toMatchObject({ 'content-encoding': 'br', vary: 'accept-encoding' });
  });

  it('is not what a file that is missing shows: its script would be HTML', async () => {
    for (const path of ['/admin/assets/index-b2.js', '/admin/assets/', '/admin/assets/..%2fsecret.txt'])
      expect((await get(path)).body).not.toContain('csp-nonce');
    expect((await get('/admin/assets/index-b2.js')).statusCode).toBe(404);
  });

  it.each([
    '/admin/nope.js',
    '/admin/nope.css?v=1',
    '/admin/orders/nope.map',
    '/admin/secret.txt',
    '/admin/..%2fsecret.txt',
    '/admin/index-a1.js',
  ])('is not what %s shows: whoever asks for a file is told that it is not there', async (path) => {
    const { statusCode, headers, body } = await get(path);
    expect([statusCode, headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
    expect(JSON.parse(body)).toMatchObject({
      code: 'not_found',
      detail: "the admin's page has no such file",
    });
  });

  it('is a 404 that says what to do when it is not built, and the service starts all the same', async () => {
    const bare = fastify();
    serveAdminPage(bare, join(folder, 'nowhere'));
    const { statusCode, headers, body } = await bare.inject('/admin/products');
    expect([statusCode, headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
    expect(JSON.parse(body)).toMatchObject({
      code: 'not_found',
      error: "the admin's page is not built: npm run build:admin",
    });
    expect((await bare.inject('/admin/assets/index-a1.js')).statusCode).toBe(404);
    await bare.close();
  });
});
