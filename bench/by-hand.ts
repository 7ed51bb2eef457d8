import { randomUUID } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import { type Client, UNANSWERED } from './closed-loop.js';

const STATEMENTS = {
  lock: 'SELECT sku, name, price_minor::int, stock FROM products WHERE id = $1 FOR NO KEY UPDATE',
  take: 'UPDATE products SET stock = stock - $2 WHERE id = $1',
  order: `INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor, total_price_minor)
          VALUES ($1, $2, 'pending', 'unpaid', 'credit_card', 'USD', $3, $3)`,
  line: `INSERT INTO order_lines (order_id, product_id, position, sku, product_name, quantity, price_minor, subtotal_minor)
         VALUES ($1, $2, 0, $3, $4, $5, $6, $7)`,
  history: `INSERT INTO order_history (order_id, status) VALUES ($1, 'pending')`,
  ledger: `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref) VALUES ($1, 'taken', -$2::int, $3, $4)`,
  reservation: `INSERT INTO reservations (id, order_ref, order_id, payment_method, ttl_seconds, expires_at)
                VALUES ($1, $2, $3, 'credit_card', 1800, now() + interval '30 minutes')`,
  event: `INSERT INTO events (id, type, data) VALUES ($1, 'order.placed', $2)`,
  claim: `INSERT INTO idempotency_keys (scope, body_hash, status, response, finished_at)
          VALUES ($1, sha256(convert_to($1, 'UTF8')), 201, $2, now())`,
};

interface Wish {
  userId: number;
  productId: number;
  quantity: number;
  idempotencyKey: string;
}

/**
 * The same writes as the service's, the way one would first write them: one transaction an order, one prepared statement
 * a table, straight on `pg`. No HTTP, no token, no validation is counted against it.
 */
export class HandWritten implements Client {
  constructor(
    private readonly pool: Pool,
    private readonly nextWish: () => Wish,
  ) {}

  async call(): Promise<number> {
    const client = await this.pool.connect();
    try {
      const status = await place(client, this.nextWish());
      client.release();
      return status;
    } catch (error) {
      client.release(error as Error);
      return UNANSWERED;
    }
  }

  async close(): Promise<void> {}
}

async function place(
  client: PoolClient,
  { userId, productId, quantity, idempotencyKey }: Wish,
): Promise<number> {
  const run = (name: keyof typeof STATEMENTS, values: unknown[]) =>
    client.query({ name, text: STATEMENTS[name], values });
  const orderId = randomUUID();

  await client.query('BEGIN');
  const [product] = (await run('lock', [productId])).rows;
  if (product.stock < quantity) {
    await client.query('ROLLBACK');
    return 409;
  }
  const { sku, name, price_minor, stock } = product;
  const total = price_minor * quantity;
  await run('take', [productId, quantity]);
  await run('order', [orderId, userId, total]);
  await run('line', [orderId, productId, sku, name, quantity, price_minor, total]);
  await run('history', [orderId]);
  await run('ledger', [productId, quantity, stock - quantity, orderId]);
  await run('reservation', [randomUUID(), orderId, orderId]);
  const items = [{ product_id: productId, quantity }];
  await run('event', [
    randomUUID(),
    { order_id: orderId, user_id: userId, total_price_minor: total, currency: 'USD', items },
  ]);
  await run('claim', [idempotencyKey, answerOf(orderId, userId, { ...product, ...items[0] })]);
  await client.query('COMMIT');
  return 201;
}

interface Line {
  product_id: number;
  sku: string;
  name: string;
  price_minor: number;
  quantity: number;
}

/** As long as the service's answer: it is stored with the claim. */
function answerOf(
  orderId: string,
  userId: number,
  { product_id, sku, name, price_minor, quantity }: Line,
): string {
  const [price, subtotal, at] = [price_minor / 100, (price_minor * quantity) / 100, new Date().toISOString()];
  return JSON.stringify({
    id: orderId,
    user_id: userId,
    status: 'pending',
    items: [{ product_id, sku, product_name: name, quantity, price, subtotal }],
    items_price: subtotal,
    discount_code: null,
    discount_price: 0,
    redeemed_points: 0,
    points_discount_price: 0,
    shipping_price: 0,
    total_price: subtotal,
    currency: 'USD',
    payment_method: 'credit_card',
    payment_status: 'unpaid',
    shipping_address: null,
    note: null,
    reservation: { id: orderId, status: 'active', expires_at: at },
    history: [{ status: 'pending', reason: null, at }],
    created_at: at,
    updated_at: at,
  });
}
