import { randomUUID } from 'node:crypto';
import type { TestApp, TestDatabase } from '../support/boot.js';
import { givenAdmin } from '../support/given.js';

export interface Goods {
  product_id: number;
  quantity: number;
}

export interface Answered {
  status: number;
  headers: Headers;
  body: Record<string, any>;
}

let orders = 0;
/** An order id that no other test uses. */
export const newOrderId = () => `WEB-${++orders}`;

/** Another system's way to the stock, and a look at what is really in the tables. */
export class Warehouse {
  private constructor(
    readonly app: TestApp,
    readonly database: TestDatabase,
    readonly headers: Record<string, string>,
  ) {}

  static async of(app: TestApp, database: TestDatabase): Promise<Warehouse> {
    return new Warehouse(app, database, (await givenAdmin(app, database)).headers);
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    return this.send(path, {
      method: 'POST',
      headers: { ...this.headers, 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  }

  async get(path: string): Promise<Answered> {
    return this.send(path, { headers: this.headers });
  }

  private async send(path: string, init: RequestInit): Promise<Answered> {
    const answer = await fetch(`${this.app.url}/api/v1/inventory${path}`, init);
    return {
      status: answer.status,
      headers: answer.headers,
      body: (await answer.json()) as Answered['body'],
    };
  }

  decrement(order_id: string, items: Goods[]): Promise<Answered> {
    return this.post('/decrement', { order_id, items });
  }

  rollback(order_id: string, items?: { product_id: number; quantity?: number }[]): Promise<Answered> {
    return this.post('/rollback', { order_id, items });
  }

  /** A product of its own, so that tests do not share stock. `members` is SQL, e.g. `active = false`. */
  async givenProduct(stock: number, members = ''): Promise<number> {
    const [row] = await this.database.sql<{ id: number }>(
      `INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES ($1, 'Lamp', 1000, $2, $2) RETURNING id`,
      [`LAMP-${randomUUID()}`, stock],
    );
    if (members) await this.database.sql(`UPDATE products SET ${members} WHERE id = $1`, [row!.id]);
    return row!.id;
  }

  async givenProducts(count: number, stock: number): Promise<number[]> {
    return Promise.all(Array.from({ length: count }, () => this.givenProduct(stock)));
  }

  /** Goods held for another system's order, until now if they are overdue. */
  async givenHold(items: Goods[], { overdue = false } = {}): Promise<string> {
    const order_id = newOrderId();
    const { status } = await this.post('/reservations', { order_id, items, ttl_seconds: 600 });
    if (status !== 201) throw new Error(`the goods could not be held: ${status}`);
    if (overdue)
      await this.database.sql(
        `UPDATE reservations SET expires_at = now() - interval '1 second' WHERE order_ref = $1`,
        [order_id],
      );
    return order_id;
  }

  async stockOf(id: number): Promise<number> {
    const [row] = await this.database.sql<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [
      id,
    ]);
    return row!.stock;
  }

  /** The rows of the ledger, oldest first, as `kind delta`. */
  async ledgerOf(id: number): Promise<string[]> {
    const text = `SELECT kind || ' ' || delta AS line FROM stock_movements WHERE product_id = $1 ORDER BY id`;
    return (await this.database.sql<{ line: string }>(text, [id])).map(({ line }) => line);
  }

  /** Products whose stock is not what their ledger says: none, always. */
  async violations(): Promise<unknown[]> {
    return this.database.sql(
      `SELECT p.id, p.first_count + coalesce(sum(m.delta), 0) AS counted, p.stock
       FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
       GROUP BY p.id HAVING p.first_count + coalesce(sum(m.delta), 0) <> p.stock OR p.stock < 0`,
    );
  }
}

export const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** What came of many calls: `200` or `409 insufficient_stock`, sorted. */
export const outcomesOf = (answers: Answered[]) =>
  answers.map(({ status, body }) => (status < 300 ? `${status}` : `${status} ${body.code}`)).sort();
