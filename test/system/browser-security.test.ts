import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenCustomer } from '../support/given.js';
import { program } from './program.js';

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser;
/** A web client that is served from elsewhere: an empty page, at `127.0.0.1` and, as another origin, at `localhost`. */
let client: Server;
let clientPort: number;
let database: TestDatabase;
let app: TestApp;
let ada: GivenUser;

beforeAll(async () => {
  client = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Shop</title>');
  }).listen(0);
  await once(client, 'listening');
  clientPort = (client.address() as AddressInfo).port;
  database = await cloneDatabase();
  [app, browser] = await Promise.all([
    bootApp(database, { CORS_ORIGINS: `http://127.0.0.1:${clientPort}` }),
    chromium.launch({ executablePath: program('chromium'), args: QUIET }),
  ]);
  ada = await givenCustomer(app);
});

afterAll(async () => {
  await browser?.close();
  client?.close();
  await app?.close();
  await database?.drop();
});

/** A page that notes what the policy has kept from happening, and what it has complained about. */
async function openPage(url: string): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const complaints: string[] = [];
  await page.exposeFunction('complain', (said: string) => complaints.push(said));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (violation) => {
      (window as any).complain(`${violation.violatedDirective} ${violation.blockedURI}`);
    });
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(url);
  return { page, complaints };
}

describe('the interactive documentation', () => {
  it('shows every route and calls one, and its policy has nothing to forbid', async () => {
    const { page, complaints } = await openPage(`${app.url}/docs`);
    const document = await (await fetch(`${app.url}/openapi.json`)).json();
    // Under each of its tags once.
    const shown = Object.values<any>(document.paths).flatMap((item) =>
      Object.values<any>(item).flatMap(({ tags }) => tags),
    );
    await page.locator('.opblock').first().waitFor();
    expect(await page.locator('.opblock').count()).toBe(shown.length);
    expect(await page.title()).toBe('Holdfast API');

    const health = page.locator('.opblock', { has: page.locator('[data-path="/health"]') });
    await health.locator('.opblock-summary-control').click();
    await health.getByRole('button', { name: 'Try it out' }).click();
    await health.getByRole('button', { name: 'Execute' }).click();
    await health.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('is not to be made to run what is not ours', async () => {
    const { page, complaints } = await openPage(`${app.url}/docs`);
    await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.hacked = true';
      document.body.append(script);
    });
    expect(await page.evaluate(() => (window as any).hacked)).toBeUndefined();
    expect(complaints.join()).toContain('script-src-elem inline');
    await page.close();
  });

  it('is not to be framed', async () => {
    const { page } = await openPage(`http://127.0.0.1:${clientPort}/`);
    await page.setContent(`<iframe src="${app.url}/docs"></iframe>`);
    const frame = page.frames().find((one) => one !== page.mainFrame());
    await frame?.waitForLoadState();
    expect(frame?.url()).toBe('chrome-error://chromewebdata/');
    await page.close();
  });
});

describe('a web client of another origin', () => {
  interface Wish {
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }

  interface Told {
    status: number;
    replayed: string | null;
    id: string | null;
    body: any;
  }

  /** What the page's own script gets to see of an answer, or the error that it gets instead. */
  function fetchIn(page: Page, path: string, init: Wish = {}): Promise<Told | string> {
    return page.evaluate(
      async ([url, options]) => {
        try {
          const response = await fetch(url, options);
          const [replayed, id] = ['Idempotent-Replayed', 'X-Request-Id'].map((name) =>
            response.headers.get(name),
          );
          return { status: response.status, replayed, id, body: await response.json() } as any;
        } catch (error) {
          return String(error);
        }
      },
      [`${app.url}${path}`, init] as const,
    );
  }

  const add = () => ({
    method: 'POST',
    headers: {
      ...ada.headers,
      'content-type': 'application/json',
      'idempotency-key': 'k',
      'x-request-id': 'mine',
    },
    body: '{"product_id":1,"quantity":1}',
  });

  it('reads, orders, and sees what it needs to go on, when it is let in', async () => {
    const { page } = await openPage(`http://127.0.0.1:${clientPort}/`);
    expect(await fetchIn(page, '/api/v1/products')).toMatchObject({
      status: 200,
      body: { products: expect.any(Array) },
    });
    expect(await fetchIn(page, '/api/v1/cart/items', add())).toMatchObject({
      status: 200,
      replayed: null,
      id: 'mine',
    });
    expect(await fetchIn(page, '/api/v1/cart/items', add())).toMatchObject({ status: 200, replayed: 'true' });
    expect(await fetchIn(page, '/api/v1/nothing')).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    await page.close();
  });

  it('gets to see nothing when it is not', async () => {
    const { page } = await openPage(`http://localhost:${clientPort}/`);
    expect(await fetchIn(page, '/api/v1/products')).toContain('Failed to fetch');
    const before = await database.sql('SELECT quantity FROM cart_lines');
    expect(
      await fetchIn(page, '/api/v1/cart/items', {
        ...add(),
        headers: { ...add().headers, 'idempotency-key': 'l' },
      }),
    ).toContain('Failed to fetch');
    expect(await database.sql('SELECT quantity FROM cart_lines')).toEqual(before);
    await page.close();
  });
});
