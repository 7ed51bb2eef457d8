import { randomUUID } from 'node:crypto';
import type { TestApp, TestDatabase } from '../support/boot.js';

export interface Answer {
  status: number;
  body: any;
  headers: Headers;
}

/** What no test may be disturbed by: everything that runs by itself is run by hand. */
export const BY_HAND = { RESERVATION_SWEEP_SECONDS: '3600', PAYMENT_RECOVERY_SECONDS: '3600' };

/** Calls the API of one instance as somebody. */
export class Client {
  constructor(
    private readonly app: TestApp,
    private readonly headers: Record<string, string>,
  ) {}

  async send(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const answer = await fetch(`${this.app.url}/api/v1${path}`, {
      method,
      headers: {
        ...this.headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json(), headers: answer.headers };
  }

  reserve(body: object, key?: string) {
    return this.send('POST', '/inventory/reservations', body, key);
  }
  confirm(id: string) {
    return this.send('POST', `/inventory/reservations/${id}/confirm`);
  }
  release(id: string, reason = 'not wanted any more') {
    return this.send('POST', `/inventory/reservations/${id}/release`, { reason });
  }
  extend(id: string, seconds: number, key?: string) {
    return this.send('POST', `/inventory/reservations/${id}/extend`, { seconds }, key);
  }
  get(id: string) {
    return this.send('GET', `/inventory/reservations/${id}`);
  }
  order(items: object[], more: object = {}) {
    return this.send('POST', '/orders', { items, ...more });
  }
}

/** The tables, past the service. */
export class Tables {
  constructor(readonly database: TestDatabase) {}

  /** A product that nobody else in the test file sells. */
  async product(stock: number): Promise<number> {
    const [row] = await this.database.sql<{ id: number }>(
      `INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES ($1, 'Lamp', 1000, $2, $2) RETURNING id`,
      [randomUUID(), stock],
    );
    return (row as { id: number }).id;
  }

  async stock(productId: number): Promise<number> {
    const [row] = await this.database.sql('SELECT stock FROM products WHERE id = $1', [productId]);
    return row?.stock;
  }

  async hold(orderRef: string): Promise<Record<string, any>> {
    const rows = await this.database.sql('SELECT * FROM reservations WHERE order_ref = $1', [orderRef]);
    return rows[0] as Record<string, any>;
  }

  /** The types of the events that tell of this hold or order, in the order of the alphabet. */
  async told(orderRef: string): Promise<string[]> {
    const rows = await this.database.sql(
      `SELECT type FROM events WHERE data->>'order_id' = $1 AND type LIKE 'reservation.%' ORDER BY type`,
      [orderRef],
    );
    return rows.map(({ type }) => type);
  }

  /** Lets the time of these holds pass, this many milliseconds from now. */
  async runOut(orderRefs: string[], inMs = 0): Promise<void> {
    await this.database.sql(
      `UPDATE reservations SET expires_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE order_ref = ANY($1)`,
      [orderRefs, inMs],
    );
  }

  /** Overdue holds of one piece each, as another system would have left them; those named first ran out first. */
  async givenOverdue(productId: number, orderRefs: string[]): Promise<void> {
    await this.database.sql(
      `WITH held AS (
         INSERT INTO reservations (id, order_ref, payment_method, ttl_seconds, created_at, expires_at)
         SELECT gen_random_uuid(), ref, 'cod', 60, now() - interval '1 hour',
                now() - interval '10 minutes' + place * interval '1 microsecond'
         FROM unnest($2::text[]) WITH ORDINALITY AS r(ref, place)
       ), taken AS (
         INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref)
         SELECT $1, 'taken', -1, p.stock - place, ref
         FROM unnest($2::text[]) WITH ORDINALITY AS r(ref, place), products p WHERE p.id = $1
       )
       UPDATE products SET stock = stock - cardinality($2::text[]) WHERE id = $1`,
      [productId, orderRefs],
    );
  }

  /** Whether the first count and the ledger make up the stock of every product. */
  async ledgerIsRight(): Promise<boolean> {
    const wrong = await this.database.sql(
      `SELECT p.id FROM products p LEFT JOIN stock_movements m ON m.product_id = p.id
       GROUP BY p.id HAVING p.first_count + coalesce(sum(m.delta), 0) <> p.stock`,
    );
    return wrong.length === 0;
  }
}

/** An order id that no other test uses. */
export const newRef = () => `pos-${randomUUID()}`;

export const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
