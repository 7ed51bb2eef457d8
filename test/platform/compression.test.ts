import { Merchant } from '../product/given-catalog.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { raw } from '../support/given-raw.js';
import { givenShopper } from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { PRODUCT_CACHE_MS: '60000' });
  admin = await Merchant.at(app, database);
  for (let count = 0; count < 10; count++) await admin.product({ description: 'A lamp. '.repeat(20) });
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const LIST = '/api/v1/products';
const get = (path: string, headers: Record<string, string> = {}) => raw(app, path, headers);
const accepting = (encodings: string, path = LIST) => get(path, { 'accept-encoding': encodings });
const knowing = (tags: string, path = LIST) => get(path, { 'if-none-match': tags });

describe('an answer of the catalog', () => {
  it('has a tag, and is 304 without a body as long as it is the same', async () => {
    const first = await get(LIST);
    expect(first).toMatchObject({
      status: 200,
      headers: { etag: expect.stringMatching(/^W\/"[\w-]{27}"$/), 'cache-control': 'no-cache' },
    });
    const again = await knowing(first.headers.etag!);
    expect(again).toMatchObject({
      status: 304,
      text: '',
      headers: { etag: first.headers.etag, 'cache-control': 'no-cache', vary: first.headers.vary },
    });
    expect(again.headers['content-type']).toBeUndefined();
  });

  it('is compared as the standard says: weakly, with each of a list, and `*` is any', async () => {
    const { etag } = (await get(LIST)).headers;
    for (const tags of [`"x", ${etag}`, etag!.slice(2), '*', ` ${etag} ,W/"y"`])
      expect((await knowing(tags)).status).toBe(304);
    for (const tags of ['"x"', 'W/"x", "y"', etag!.replace(/"/g, ''), ''])
      expect((await knowing(tags)).status).toBe(200);
  });

  it('has the same head when only that is asked for', async () => {
    const whole = await get(LIST);
    const head = await raw(app, LIST, {}, 'HEAD');
    expect(head.bytes).toHaveLength(0);
    for (const name of ['etag', 'content-length', 'content-type', 'vary'])
      expect(head.headers[name]).toBe(whole.headers[name]);
    expect((await raw(app, LIST, { 'if-none-match': whole.headers.etag! }, 'HEAD')).status).toBe(304);
  });

  it('has another tag when something was sold, and another for admins', async () => {
    const detail = `${LIST}/1`;
    const before = (await get(detail)).headers.etag!;
    await (await givenShopper(app)).order([{ product_id: 1, quantity: 1 }]);
    const after = await knowing(before, detail);
    expect(after.status).toBe(200);
    expect(after.headers.etag).not.toBe(before);
    expect(JSON.parse(after.text).stock).toBe(99);
    const seen = await get(detail, { ...admin.user.headers, 'if-none-match': after.headers.etag! });
    expect(seen.status).toBe(200);
    expect(seen.headers['cache-control']).toBe('private, no-cache');
  });

  it('is compressed as the client likes it, once it is worth it, under one tag', async () => {
    const plain = await get(LIST);
    const forms: [string, string | undefined][] = [
      ['gzip, deflate, br, zstd', 'br'],
      ['gzip', 'gzip'],
      ['br;q=0.5, gzip;q=0.8', 'gzip'],
      ['*', 'br'],
      ['br;q=0, *', 'gzip'],
      ['br;q=0, gzip;q=0', undefined],
      ['identity', undefined],
      ['deflate', undefined],
      ['BR', 'br'],
      ['gzip;q=x', undefined],
    ];
    for (const [wish, encoding] of forms) {
      const answer = await accepting(wish);
      expect([wish, answer.headers['content-encoding']]).toEqual([wish, encoding]);
      expect(answer.text).toBe(plain.text);
      expect(answer.headers.etag).toBe(plain.headers.etag);
      expect(answer.headers.vary).toBe('Authorization, Accept-Encoding');
      expect(Number(answer.headers['content-length'])).toBe(answer.bytes.length);
      if (encoding) expect(answer.bytes.length).toBeLessThan(plain.bytes.length / 2);
    }
    expect((await accepting('br', `${LIST}/1`)).headers['content-encoding']).toBeUndefined();
  });

  it('is a problem without a tag when there is none', async () => {
    const { status, headers } = await get(`${LIST}/999999`);
    expect(status).toBe(404);
    expect(headers.etag).toBeUndefined();
    expect(headers['content-type']).toContain('application/problem+json');
  });
});

describe('other answers', () => {
  it('are compressed when they are long: documents, metrics, and the export as it streams', async () => {
    const before = await get('/openapi.json');
    for (const path of ['/openapi.json', '/metrics', '/docs', '/docs/swagger-ui.css', `${LIST}/export`]) {
      const headers = {
        ...(path.endsWith('export') ? admin.user.headers : {}),
        'accept-encoding': 'br, gzip',
      };
      const answer = await get(path, headers);
      expect([path, answer.status, answer.headers['content-encoding']]).toEqual([path, 200, 'br']);
      expect(String(answer.headers.vary).toLowerCase()).toContain('accept-encoding');
      expect(answer.text.length).toBeGreaterThan(answer.bytes.length);
    }
    expect((await accepting('gzip', '/openapi.json')).text).toBe(before.text);
    expect((await knowing(before.headers.etag!, '/openapi.json')).status).toBe(304);
  });

  it('have a head like theirs and no body for HEAD', async () => {
    for (const path of ['/openapi.json', '/metrics', '/docs/swagger-ui.css']) {
      const head = await raw(app, path, { 'accept-encoding': 'gzip' }, 'HEAD');
      expect([path, head.status, head.bytes.length]).toEqual([path, 200, 0]);
    }
  });

  it('are left as they are when they are short, and when they may carry a secret', async () => {
    expect((await accepting('br, gzip', '/health')).headers['content-encoding']).toBeUndefined();
    const entered = await fetch(`${app.url}/api/v1/auth/guest`, {
      method: 'POST',
      headers: { 'accept-encoding': 'br, gzip' },
    });
    expect(entered.status).toBe(201);
    expect(entered.headers.get('content-encoding')).toBeNull();
    expect(entered.headers.get('etag')).toBeNull();
    const many = await fetch(`${app.url}/api/v1/products/bulk`, {
      method: 'POST',
      headers: { ...admin.user.headers, 'content-type': 'application/json', 'accept-encoding': 'br, gzip' },
      body: JSON.stringify({ operations: Array(50).fill({ op: 'delete', id: 999_999 }) }),
    });
    expect((await many.text()).length).toBeGreaterThan(1_400);
    expect(many.headers.get('content-encoding')).toBeNull();
  });

  it('are not taken apart for us: a compressed body of a request is refused', async () => {
    const answer = await fetch(`${app.url}/api/v1/products`, {
      method: 'POST',
      headers: { ...admin.user.headers, 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: '{}',
    });
    expect(answer.status).toBe(415);
  });
});
