import type { Client as Postgres } from 'pg';

const STATEMENTS = {
  taken: `SELECT product_id, -delta AS quantity FROM stock_movements t WHERE order_ref = $1 AND kind = 'taken'
          AND NOT EXISTS (SELECT FROM stock_movements b WHERE b.order_ref = t.order_ref AND b.product_id = t.product_id
                            AND b.kind = 'returned')`,
  lock: 'SELECT id, stock FROM products WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE',
  change: `UPDATE products p SET stock = p.stock + c.delta FROM unnest($1::int[], $2::int[]) AS c(product_id, delta)
           WHERE p.id = c.product_id`,
  ledger: `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref)
           SELECT product_id, $1, delta, stock_after, $2 FROM unnest($3::int[], $4::int[], $5::int[]) AS m(product_id, delta, stock_after)`,
  events: `INSERT INTO events (id, type, data)
           SELECT uuidv7(), 'stock.changed', jsonb_build_object('product_id', product_id, 'stock', stock_after)
           FROM unnest($1::int[], $2::int[]) AS m(product_id, stock_after)`,
  claim: `INSERT INTO idempotency_keys (scope, body_hash, status, response, finished_at)
          VALUES ($1, sha256(convert_to($1, 'UTF8')), 200, $2, now())`,
};

export interface Item {
  product_id: number;
  quantity: number;
}

/** The same writes as the service's, one prepared statement a table however many lines, on one connection. */
export class StockByHand {
  constructor(private readonly postgres: Postgres) {}

  async decrement(orderRef: string, items: Item[], key: string): Promise<void> {
    await this.postgres.query('BEGIN');
    await this.move('taken', orderRef, items, -1, key);
    await this.postgres.query('COMMIT');
  }

  async rollback(orderRef: string, key: string): Promise<void> {
    await this.postgres.query('BEGIN');
    const { rows } = await this.run('taken', [orderRef]);
    await this.move('returned', orderRef, rows as Item[], +1, key);
    await this.postgres.query('COMMIT');
  }

  private async move(
    kind: string,
    orderRef: string,
    items: Item[],
    sign: 1 | -1,
    key: string,
  ): Promise<void> {
    const ids = items.map(({ product_id }) => product_id);
    const { rows } = await this.run('lock', [ids]);
    const stock = new Map(rows.map(({ id, stock }) => [id, stock]));
    const deltas = items.map(({ quantity }) => sign * quantity);
    const after = items.map(({ product_id }, index) => stock.get(product_id) + (deltas[index] as number));
    if (after.some((count) => count < 0)) throw new Error('there is not so much of it');
    await this.run('change', [ids, deltas]);
    await this.run('ledger', [kind, orderRef, ids, deltas, after]);
    await this.run('events', [ids, after]);
    const results = ids.map((product_id, index) => ({
      product_id,
      stock_before: stock.get(product_id),
      stock_after: after[index],
    }));
    await this.run('claim', [key, JSON.stringify({ success: true, results })]);
  }

  private run(name: keyof typeof STATEMENTS, values: unknown[]) {
    return this.postgres.query({ name: `by-hand-${name}`, text: STATEMENTS[name], values });
  }
}
