import { randomUUID } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { credentials, type Listing, SandboxFixture, Shop } from '../payment/given-sandbox.js';
import type { TestApp, TestDatabase } from './boot.js';
import { type GivenUser, givenAdmin, givenCustomer } from './given.js';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: any;
}

export interface Wish {
  /** An object goes out as JSON, a text as it stands. */
  body?: unknown;
  key?: string;
  headers?: Record<string, string>;
}

// Connections stay open from one request to the next, as a browser's do; so many at a time make any of these races.
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/** One HTTP request to the really listening application. */
export function call(
  app: TestApp,
  user: GivenUser | null,
  method: string,
  path: string,
  wish: Wish = {},
): Promise<Answer> {
  const text = typeof wish.body === 'string' ? wish.body : wish.body && JSON.stringify(wish.body);
  const headers: Record<string, string | number> = {
    ...user?.headers,
    ...(wish.key === undefined ? {} : { 'Idempotency-Key': wish.key }),
    ...(text === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text as string) }),
    ...wish.headers,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${app.url}/api/v1${path}`, { method, agent, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const said = Buffer.concat(chunks).toString();
        const body = said === '' ? undefined : JSON.parse(said);
        resolve({ status: incoming.statusCode as number, headers: incoming.headers, body });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

/** Sends the request and hangs up as soon as `sent` resolves, without waiting for an answer. */
export async function callAndHangUp(
  app: TestApp,
  user: GivenUser,
  path: string,
  wish: { body: unknown; key?: string },
  sent: () => Promise<void>,
): Promise<void> {
  const outgoing = request(`${app.url}/api/v1${path}`, {
    method: 'POST',
    agent: false,
    headers: {
      ...user.headers,
      'Content-Type': 'application/json',
      ...(wish.key === undefined ? {} : { 'Idempotency-Key': wish.key }),
    },
  });
  const gone = new Promise((resolve) => outgoing.on('close', resolve));
  outgoing.on('error', () => undefined);
  outgoing.end(JSON.stringify(wish.body));
  await sent();
  outgoing.destroy();
  await gone;
}

export interface Line {
  product_id: number;
  quantity: number;
}

/** A customer and what they do in the shop, over HTTP. */
export class Shopper {
  constructor(
    private readonly app: TestApp,
    readonly user: GivenUser,
  ) {}

  get id(): number {
    return this.user.id;
  }

  /** The same customer, served by another instance. */
  at(app: TestApp): Shopper {
    return new Shopper(app, this.user);
  }

  send(method: string, path: string, wish?: Wish): Promise<Answer> {
    return call(this.app, this.user, method, path, wish);
  }

  /** Places an order; `members` go along with its items. */
  place(items: Line[], members: object = {}, key?: string): Promise<Answer> {
    return this.send('POST', '/orders', { body: { items, ...members }, key });
  }

  /** Places an order that has to succeed. */
  async order(items: Line[], members: object = {}): Promise<any> {
    return mustBe(201, await this.place(items, members));
  }

  get(orderId: string): Promise<Answer> {
    return this.send('GET', `/orders/${orderId}`);
  }

  list(query = ''): Promise<Answer> {
    return this.send('GET', `/orders${query}`);
  }

  cancel(orderId: string, body?: unknown, key?: string): Promise<Answer> {
    return this.send('POST', `/orders/${orderId}/cancel`, { body, key });
  }

  checkout(members: object = {}, key: string = randomUUID()): Promise<Answer> {
    return this.send('POST', '/checkout', { body: { idempotency_key: key, ...members } });
  }

  pay(orderId: string, members: object = {}, key?: string): Promise<Answer> {
    return this.send('POST', `/orders/${orderId}/payments`, { body: members, key });
  }

  async payments(orderId: string): Promise<any[]> {
    return mustBe(200, await this.send('GET', `/orders/${orderId}/payments`)).payments;
  }

  async add(product_id: number, quantity = 1): Promise<void> {
    mustBe(200, await this.send('POST', '/cart/items', { body: { product_id, quantity } }));
  }

  /** What is in the cart now. */
  async cart(): Promise<Line[]> {
    const { items } = mustBe(200, await this.send('GET', '/cart'));
    return items.map(({ product_id, quantity }: Line) => ({ product_id, quantity }));
  }
}

function mustBe(status: number, answer: Answer): any {
  if (answer.status !== status) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A new customer. */
export async function givenShopper(app: TestApp): Promise<Shopper> {
  return new Shopper(app, await givenCustomer(app));
}

/** A new customer with these lines in the cart. */
export async function givenCart(app: TestApp, ...lines: Line[]): Promise<Shopper> {
  const shopper = await givenShopper(app);
  for (const { product_id, quantity } of lines) await shopper.add(product_id, quantity);
  return shopper;
}

/** An admin, who can do whatever a customer can. */
export async function givenAdminShopper(app: TestApp, database: TestDatabase): Promise<Shopper> {
  return new Shopper(app, await givenAdmin(app, database));
}

/** A product that no other test touches. The price is in major units. */
export async function givenProduct(
  database: TestDatabase,
  members: { price?: number; stock?: number; name?: string; sku?: string; active?: boolean } = {},
): Promise<number> {
  const { price = 10, stock = 100, name = 'Lamp', sku = randomUUID(), active = true } = members;
  const [row] = await database.sql<{ id: number }>(
    `INSERT INTO products (sku, name, price_minor, stock, first_count, active)
     VALUES ($1, $2, $3, $4, $4, $5) RETURNING id`,
    [sku, name, Math.round(price * 100), stock, active],
  );
  return (row as { id: number }).id;
}

export async function stockOf(database: TestDatabase, productId: number): Promise<number> {
  const [row] = await database.sql<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [
    productId,
  ]);
  return (row as { stock: number }).stock;
}

/** The ledger's rows of one product, oldest first. */
export function movementsOf(
  database: TestDatabase,
  productId: number,
): Promise<{ kind: string; delta: number; stock_after: number; order_ref: string }[]> {
  return database.sql(
    'SELECT kind, delta, stock_after, order_ref FROM stock_movements WHERE product_id = $1 ORDER BY id',
    [productId],
  );
}

/** The database's clock passes the end of this order's hold. */
export async function givenHoldIsOver(database: TestDatabase, orderId: string): Promise<void> {
  await database.sql(`UPDATE reservations SET expires_at = now() - interval '1 second' WHERE order_id = $1`, [
    orderId,
  ]);
}

export interface GivenSandbox {
  /** For `bootApp`: charge here. */
  settings: Record<string, string>;
  /** What the provider itself has on record, for all orders or for one. */
  ledger(orderId?: string): Promise<Listing>;
  /** The customer presses a button on the provider's confirmation page. */
  decide(confirmationUrl: string, decision: 'approve' | 'decline'): Promise<void>;
  close(): Promise<void>;
}

/** The real bundled gateway, listening, on a ledger of its own. */
export async function givenSandbox(): Promise<GivenSandbox> {
  const fixture = new SandboxFixture();
  await fixture.prepare();
  const { url } = await fixture.start({ slowMs: 100 });
  const shop = new Shop(url);
  return {
    settings: {
      YOOKASSA_API_URL: url,
      YOOKASSA_SHOP_ID: credentials.shopId,
      YOOKASSA_SECRET_KEY: credentials.secretKey,
    },
    ledger: (orderId) => shop.ledger(orderId),
    decide: async (confirmationUrl, decision) => {
      await shop.decide(confirmationUrl, decision);
    },
    close: () => fixture.cleanUp(),
  };
}

/** How many of the answers have this status. */
export const countOf = (answers: Answer[], status: number): number =>
  answers.filter((answer) => answer.status === status).length;

/** The answer is a problem that says exactly this. */
export function expectProblem(answer: Answer, status: number, code: string, text?: string): void {
  expect({ status: answer.status, code: answer.body?.code }).toEqual({ status, code });
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.body.status).toBe(status);
  expect(answer.body.error).toBe(answer.body.detail);
  if (text !== undefined) expect(answer.body.error).toBe(text);
}
