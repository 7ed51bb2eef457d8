import { randomUUID } from 'node:crypto';
import { AccessTokens } from '../../src/auth/access-token.js';
import type { User } from '../../src/auth/auth.types.js';
import type { TestApp, TestDatabase } from './boot.js';
import { givenProduct, Shopper } from './given-shop.js';

export interface DiscountMembers {
  code?: string;
  kind?: 'percentage' | 'fixed';
  /** Percent, or an amount in major units. */
  value?: number;
  min_items_price?: number;
  starts_at?: string | null;
  ends_at?: string | null;
  usage_limit?: number | null;
  per_user_limit?: number | null;
  active?: boolean;
}

/** A code that nobody else has. */
export const newCode = (): string => randomUUID().replaceAll('-', '').slice(0, 12).toUpperCase();

/** A discount of ten percent that everybody may use. @returns its code. */
export async function givenDiscount(database: TestDatabase, members: DiscountMembers = {}): Promise<string> {
  const { code = newCode(), kind = 'percentage', value = 10, min_items_price = 0, active = true } = members;
  const hundredths = Math.round(value * 100);
  await database.sql(
    `INSERT INTO discounts (code, kind, basis_points, amount_minor, min_items_price_minor, starts_at, ends_at, usage_limit,
                            per_user_limit, active)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      code,
      kind,
      kind === 'percentage' ? hundredths : null,
      kind === 'fixed' ? hundredths : null,
      Math.round(min_items_price * 100),
      members.starts_at ?? null,
      members.ends_at ?? null,
      members.usage_limit ?? null,
      members.per_user_limit ?? null,
      active,
    ],
  );
  return code;
}

/** How often a code is used, by its own count and by the rows of its uses. */
export async function usesOf(
  database: TestDatabase,
  code: string,
): Promise<{ counted: number; live: number; returned: number }> {
  const [row] = await database.sql<{ counted: number; live: number; returned: number }>(
    `SELECT d.times_used AS counted, (count(u.order_id) FILTER (WHERE u.returned_at IS NULL))::int AS live,
            (count(u.order_id) FILTER (WHERE u.returned_at IS NOT NULL))::int AS returned
     FROM discounts d LEFT JOIN discount_uses u ON u.discount_id = d.id WHERE d.code = $1 GROUP BY d.id`,
    [code],
  );
  return row as { counted: number; live: number; returned: number };
}

/** Somebody without an account of their own. */
export async function givenGuest(app: TestApp, database: TestDatabase): Promise<Shopper> {
  const [row] = await database.sql<User>(
    `INSERT INTO users (name, role) VALUES ('', 'guest') RETURNING id, email, name, role, 0 AS points`,
  );
  const user = row as User;
  const token = app.app.get(AccessTokens).issue(user);
  return new Shopper(app, { id: user.id, user, token, headers: { authorization: `Bearer ${token}` } });
}

/** A customer has paid an order, and earned so many points by that. */
export async function givenPoints(
  database: TestDatabase,
  admin: Shopper,
  shopper: Shopper,
  points: number,
): Promise<void> {
  const product_id = await givenProduct(database, { price: points });
  const { id } = await shopper.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
  const { status, body } = await admin.send('POST', `/admin/orders/${id}/confirm-payment`, { body: {} });
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
}

/** A user's balance, by the account and by the ledger. */
export async function pointsOf(
  database: TestDatabase,
  userId: number,
): Promise<{ balance: number; booked: number }> {
  const [row] = await database.sql<{ balance: number; booked: number }>(
    `SELECT coalesce((SELECT balance FROM points_accounts WHERE user_id = $1), 0)::int AS balance,
            coalesce((SELECT sum(delta) FROM points_entries WHERE user_id = $1), 0)::int AS booked`,
    [userId],
  );
  return row as { balance: number; booked: number };
}

/** What the ledger of points has for an order, oldest first. */
export function entriesOf(
  database: TestDatabase,
  orderId: string,
): Promise<{ kind: string; delta: number }[]> {
  return database.sql(
    'SELECT kind, delta::int AS delta FROM points_entries WHERE order_id = $1 ORDER BY id',
    [orderId],
  );
}
