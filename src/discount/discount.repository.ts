import { Injectable } from '@nestjs/common';
import { plainArray } from '../platform/database/arrays.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx, unnamed } from '../platform/database/statement.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import type { Discount, DiscountSort, DiscountUse, NewDiscount } from './discount.types.js';

const COLUMNS = `id, code, kind, basis_points, amount_minor, min_items_price_minor, starts_at, ends_at, usage_limit,
  per_user_limit, times_used, active, created_at, updated_at`;
const LIVING = 'deleted_at IS NULL';

const find = new Statement<Discount>(
  'discount-find',
  `SELECT ${COLUMNS} FROM discounts WHERE id = $1 AND ${LIVING}`,
);

// As bigint: a made-up cursor may name an id that no integer can be.
const ORDERS: Record<DiscountSort, ListOrder> = {
  newest: { columns: { id: 'bigint' }, descending: true },
  code: { columns: { code: 'text' }, descending: false },
};
const count = new Statement<{ total: number }>(
  'discount-count',
  `SELECT count(*) AS total FROM discounts WHERE ${LIVING}`,
);

// The arbiter is named: a clash on anything else than the code is a fault and must not look like one on the code.
const insert = new Statement<Discount>(
  'discount-insert',
  `INSERT INTO discounts (code, kind, basis_points, amount_minor, min_items_price_minor, starts_at, ends_at, usage_limit,
                          per_user_limit, active)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   ON CONFLICT (code) WHERE ${LIVING} DO NOTHING
   RETURNING ${COLUMNS}`,
);

const update = new Statement<Discount>(
  'discount-update',
  `UPDATE discounts
   SET code = $2, kind = $3, basis_points = $4, amount_minor = $5, min_items_price_minor = $6, starts_at = $7, ends_at = $8,
       usage_limit = $9, per_user_limit = $10, active = $11, updated_at = now()
   WHERE id = $1 RETURNING ${COLUMNS}`,
);

const lock = new Statement<Discount>(
  'discount-lock',
  `SELECT ${COLUMNS} FROM discounts WHERE id = $1 AND ${LIVING} FOR UPDATE`,
);

const hasUses = new Statement(
  'discount-has-uses',
  'SELECT FROM discount_uses WHERE discount_id = $1 LIMIT 1',
);
const archive = new Statement(
  'discount-archive',
  'UPDATE discounts SET deleted_at = now(), updated_at = now() WHERE id = $1',
);
const remove = new Statement('discount-delete', 'DELETE FROM discounts WHERE id = $1');

const findByCode = new Statement<Discount & { used_by_user: number; now: Date }>(
  'discount-find-by-code',
  `SELECT ${COLUMNS}, now() AS now,
          (SELECT count(*) FROM discount_uses u
           WHERE u.discount_id = d.id AND u.user_id = $2 AND u.returned_at IS NULL) AS used_by_user
   FROM discounts d WHERE code = $1 AND ${LIVING}`,
);

type LockedDiscount = Discount & { deleted: boolean };

// In id order, like products. NO KEY UPDATE: the foreign keys of uses need KEY SHARE only.
const LOCK_FOR_USE = `
  SELECT ${COLUMNS}, deleted_at IS NOT NULL AS deleted FROM discounts d
  WHERE id IN (SELECT id FROM discounts WHERE code = ANY($1::text[]) AND ${LIVING}
               UNION ALL SELECT discount_id FROM discount_uses WHERE order_id = ANY($2::uuid[]))
  ORDER BY id FOR NO KEY UPDATE OF d`;
const lockForUse = new Statement<LockedDiscount>('discount-lock-for-use', LOCK_FOR_USE);
const lockFree = new Statement<LockedDiscount>('discount-lock-free', `${LOCK_FOR_USE} SKIP LOCKED`);

const existing = new Statement<{ code: string }>(
  'discount-existing',
  `SELECT code FROM discounts WHERE code = ANY($1::text[]) AND ${LIVING}`,
);

const countUses = new Statement<{ discount_id: number; user_id: number; uses: number }>(
  'discount-count-uses',
  `SELECT u.discount_id, u.user_id, count(*) AS uses
   FROM discounts d JOIN discount_uses u ON u.discount_id = d.id
   WHERE d.code = ANY($1::text[]) AND d.${LIVING} AND d.per_user_limit IS NOT NULL
     AND u.user_id = ANY($2::int[]) AND u.returned_at IS NULL
   GROUP BY u.discount_id, u.user_id`,
);

const insertUses = new Statement(
  'discount-insert-uses',
  `WITH new_uses AS (
     INSERT INTO discount_uses (order_id, discount_id, user_id, discount_price_minor)
     SELECT order_id, discount_id, user_id, discount_price_minor
     FROM unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[]) AS u(order_id, discount_id, user_id, discount_price_minor)
     RETURNING discount_id)
   UPDATE discounts d SET times_used = d.times_used + n.uses
   FROM (SELECT discount_id, count(*) AS uses FROM new_uses GROUP BY discount_id) n WHERE d.id = n.discount_id`,
);

// Only what was not returned before is: whoever comes second finds no such row, and counts nothing down.
const returnUse = new Statement(
  'discount-return-use',
  `WITH returned AS (
     UPDATE discount_uses SET returned_at = now() WHERE order_id = $1 AND returned_at IS NULL RETURNING discount_id)
   UPDATE discounts d SET times_used = d.times_used - 1 FROM returned r WHERE d.id = r.discount_id`,
);

const findUse = new Statement<DiscountUse & { returned: boolean; has_room: boolean }>(
  'discount-find-use',
  `SELECT u.order_id, u.discount_id, u.user_id, u.discount_price_minor, u.returned_at IS NOT NULL AS returned,
          coalesce(d.times_used < d.usage_limit, true)
            AND coalesce((SELECT count(*) FROM discount_uses other WHERE other.discount_id = d.id
                          AND other.user_id = u.user_id AND other.returned_at IS NULL) < d.per_user_limit, true) AS has_room
   FROM discount_uses u JOIN discounts d ON d.id = u.discount_id WHERE u.order_id = $1`,
);

const handOver = new Statement(
  'discount-hand-over',
  'UPDATE discount_uses SET user_id = $2 WHERE user_id = $1',
);

const takeUseAgain = new Statement(
  'discount-take-use-again',
  `WITH taken AS (
     UPDATE discount_uses SET returned_at = NULL WHERE order_id = $1 AND returned_at IS NOT NULL RETURNING discount_id)
   UPDATE discounts d SET times_used = d.times_used + 1 FROM taken t WHERE d.id = t.discount_id`,
);

/** All SQL and all locks of the tables `discounts` and `discount_uses`. Deleted discounts are there for their uses only. */
@Injectable()
export class DiscountRepository {
  constructor(private readonly database: DatabaseService) {}

  async find(id: number): Promise<Discount | null> {
    return this.database.readFirst(find, [id]);
  }

  /** One page in the sort's order, beginning after the place that `after` names. */
  async list(sort: DiscountSort, after: Keyset | null, limit: number): Promise<Discount[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const rest = after ? `AND ${beyond(ORDERS[sort], after, bind)}` : '';
    const text = `SELECT ${COLUMNS} FROM discounts WHERE ${LIVING} ${rest}
      ORDER BY ${orderBy(ORDERS[sort])} LIMIT ${bind(limit)}`;
    return this.database.read(unnamed<Discount>(text), values);
  }

  async count(): Promise<number> {
    return (await this.database.readFirst(count, []))?.total ?? 0;
  }

  /** @returns null when the code is taken. */
  async insert(discount: NewDiscount, tx: Tx): Promise<Discount | null> {
    return insert.first(valuesOf(discount), tx);
  }

  /** Changes a locked discount. Violates `discounts_code_key` when the code is taken. */
  async update(id: number, discount: NewDiscount, tx: Tx): Promise<Discount> {
    return (await update.first([id, ...valuesOf(discount)], tx)) as Discount;
  }

  /** Locks the discount until `tx` ends, or null when there is none. Nobody can use it meanwhile. */
  async lock(id: number, tx: Tx): Promise<Discount | null> {
    return lock.first([id], tx);
  }

  /** Whether any order has ever used it. */
  async hasUses(id: number, tx: Tx): Promise<boolean> {
    return (await hasUses.first([id], tx)) !== null;
  }

  /** Takes a locked discount out of use for good; the orders that have used it stay as they are. */
  async archive(id: number, tx: Tx): Promise<void> {
    await archive.run([id], tx);
  }

  /** Deletes a locked discount that no order has ever used. */
  async delete(id: number, tx: Tx): Promise<void> {
    await remove.run([id], tx);
  }

  /** The discount, how often the user has used it, and the time by the database's clock. */
  async findByCode(
    code: string,
    userId: number,
  ): Promise<(Discount & { used_by_user: number; now: Date }) | null> {
    return this.database.readFirst(findByCode, [code, userId]);
  }

  /** Locks the discounts of these codes and those that these orders have used, all by ascending id. */
  async lockForUse(codes: string[], orderIds: string[], tx: Tx): Promise<LockedDiscount[]> {
    return lockForUse.run([codes, plainArray(orderIds)], tx);
  }

  /** `lockForUse` without waiting: those that somebody else has locked are left out. */
  async lockFree(codes: string[], tx: Tx): Promise<LockedDiscount[]> {
    return lockFree.run([codes, plainArray([])], tx);
  }

  /** Which of these codes there are, locked or not. */
  async existing(codes: string[], tx: Tx): Promise<string[]> {
    return (await existing.run([codes], tx)).map(({ code }) => code);
  }

  /** How often these users have used the discounts of these codes that have a limit for each user. */
  async countUses(
    codes: string[],
    userIds: number[],
    tx: Tx,
  ): Promise<{ discount_id: number; user_id: number; uses: number }[]> {
    return countUses.run([codes, plainArray(userIds)], tx);
  }

  /** The discounts must be locked. */
  async insertUses(uses: DiscountUse[], tx: Tx): Promise<void> {
    await insertUses.run(
      [
        plainArray(uses.map(({ order_id }) => order_id)),
        plainArray(uses.map(({ discount_id }) => discount_id)),
        plainArray(uses.map(({ user_id }) => user_id)),
        plainArray(uses.map(({ discount_price_minor }) => discount_price_minor)),
      ],
      tx,
    );
  }

  async returnUse(orderId: string, tx: Tx): Promise<void> {
    await returnUse.run([orderId], tx);
  }

  /** The uses of one user become another's. */
  async handOver(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await handOver.run([fromUserId, toUserId], tx);
  }

  /** The order's use, whether it is returned, and whether its discount has room for one more. */
  async findUse(
    orderId: string,
    tx: Tx,
  ): Promise<(DiscountUse & { returned: boolean; has_room: boolean }) | null> {
    return findUse.first([orderId], tx);
  }

  async takeUseAgain(orderId: string, tx: Tx): Promise<void> {
    await takeUseAgain.run([orderId], tx);
  }
}

function valuesOf(discount: NewDiscount): unknown[] {
  return [
    discount.code,
    discount.kind,
    discount.basis_points,
    discount.amount_minor,
    discount.min_items_price_minor,
    discount.starts_at,
    discount.ends_at,
    discount.usage_limit,
    discount.per_user_limit,
    discount.active,
  ];
}
