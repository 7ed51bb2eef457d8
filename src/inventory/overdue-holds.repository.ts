import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Goods, OverdueHold, SecondLook, WhenLocked } from './inventory.types.js';

/** SQL: what is overdue, and its order if that is one of the shop's own. */
const OVERDUE = 'FROM overdue_reservations() r LEFT JOIN orders o ON o.id = r.order_id';

/**
 * SQL: an order whose payment is under way may still be paid: it is settled with the provider first, and never ended here. So
 * says `overdue_goods()` as well, by which its goods are not free.
 */
export const MAY_EXPIRE = `(r.order_id IS NULL OR (o.status = 'pending' AND o.payment_status <> 'processing'))`;

/** Any constant that no other advisory lock of two numbers has. */
const ROOM_LOCK = 1;

/** Where the sweep goes on. The time as Postgres writes it: a `Date` would lose its microseconds, and with them the place. */
export interface Place {
  expires_at: string;
  id: string;
}

const page = new Statement<OverdueHold & { place: string }>(
  'overdue-holds-page',
  `SELECT r.id, r.order_ref, r.order_id, r.expires_at::text AS place
   FROM reservations r LEFT JOIN orders o ON o.id = r.order_id
   WHERE r.status = 'active' AND r.expires_at <= now() AND ${MAY_EXPIRE} AND (r.expires_at, r.id) > ($1::timestamptz, $2::uuid)
   ORDER BY r.expires_at, r.id LIMIT $3`,
);

// From the few that are overdue to what they hold. OFFSET 0 keeps it so: a product that sells well has a long ledger.
const HOLDING = `${OVERDUE}
   CROSS JOIN LATERAL (
     SELECT m.product_id, -m.delta AS quantity FROM stock_movements m
     WHERE m.order_ref = r.order_ref AND m.kind = 'taken' AND m.product_id = ANY($1::int[]) OFFSET 0) kept`;
const KEEPING = `${HOLDING}
   WHERE ${MAY_EXPIRE}`;
const AWAITED = `${HOLDING}
   WHERE o.status = 'pending' AND o.payment_status = 'processing'`;

// One statement, and so one instant: goods of a hold are either still kept by it or there again, and never overlooked.
const lookAgain = new Statement<SecondLook>(
  'overdue-holds-look-again',
  `SELECT ARRAY(SELECT kept.product_id ${KEEPING} UNION
                SELECT p.id FROM unnest($1::int[], $2::bigint[]) AS wanted(product_id, quantity)
                JOIN products p ON p.id = wanted.product_id WHERE p.stock >= wanted.quantity) AS "worthRetrying",
          EXISTS (SELECT ${AWAITED}) AS awaited`,
);

const findAwaited = new Statement<{ order_id: string }>(
  'overdue-holds-find-awaited',
  `SELECT r.order_id ${AWAITED} GROUP BY r.order_id, r.expires_at ORDER BY r.expires_at LIMIT $2`,
);

// The oldest first, and of each product no more holds than give as much as is wanted of it.
const findKeeping = new Statement<OverdueHold>(
  'overdue-holds-find-keeping',
  `WITH kept AS (
     SELECT r.id, r.order_ref, r.order_id, r.expires_at, kept.product_id,
            sum(kept.quantity) OVER (PARTITION BY kept.product_id ORDER BY r.expires_at, r.id) - kept.quantity AS kept_before
     ${KEEPING}
   ), wanted AS (
     SELECT product_id, sum(quantity) AS quantity
     FROM unnest($1::int[], $2::bigint[]) AS w(product_id, quantity) GROUP BY product_id
   )
   SELECT k.id, k.order_ref, k.order_id FROM kept k JOIN wanted w USING (product_id)
   WHERE k.kept_before < w.quantity
   GROUP BY k.id, k.order_ref, k.order_id, k.expires_at ORDER BY k.expires_at, k.id LIMIT $3`,
);

// By ascending id. Two numbers: a space of advisory locks of its own.
const lockRoom = new Statement(
  'overdue-holds-lock-room',
  `SELECT pg_advisory_xact_lock(${ROOM_LOCK}, wanted.id)
   FROM (SELECT DISTINCT id FROM unnest($1::int[]) AS u(id) ORDER BY id) wanted`,
);

const lockText = `SELECT r.id FROM reservations r
   WHERE r.id = ANY($1::uuid[]) AND r.order_id IS NULL AND r.status = 'active' AND r.expires_at <= now()
   ORDER BY r.id FOR NO KEY UPDATE`;
const lock: Record<WhenLocked, Statement<{ id: string }>> = {
  wait: new Statement('overdue-holds-lock', lockText),
  skip: new Statement('overdue-holds-lock-free', `${lockText} SKIP LOCKED`),
};

const findProducts = new Statement<{ product_id: number }>(
  'overdue-holds-find-products',
  `SELECT DISTINCT product_id FROM stock_movements WHERE order_ref = ANY($1::text[]) AND kind = 'taken'`,
);

/** What is asked and locked to end overdue holds: those of the shop's own orders as well, unless they may still be paid. */
@Injectable()
export class OverdueHoldsRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Up to `limit` of them, those that ran out first before the others, from after `after`. */
  async page(after: Place, limit: number): Promise<{ holds: OverdueHold[]; last: Place | null }> {
    const rows = await this.database.read(page, [after.expires_at, after.id, limit]);
    const last = rows.at(-1);
    return { holds: rows, last: last ? { expires_at: last.place, id: last.id } : null };
  }

  /** Which of the products that somebody was refused are there by now, or may come free. */
  async lookAgain(refused: Goods[]): Promise<SecondLook> {
    return (await this.database.readFirst(lookAgain, listsOf(refused))) as SecondLook;
  }

  /** The shop's orders that hold one of these products past their time while their payment is under way, oldest first. */
  async findAwaited(productIds: number[], limit: number): Promise<string[]> {
    return (await this.database.read(findAwaited, [productIds, limit])).map(({ order_id }) => order_id);
  }

  /** Lets only one at a time make room for these products, until `tx` ends. */
  async lockRoom(wanted: Goods[], tx: Tx): Promise<void> {
    await lockRoom.run([wanted.map(({ product_id }) => product_id)], tx);
  }

  /** As many as give what is wanted, if there are so many; at most `limit`. */
  async findKeeping(wanted: Goods[], limit: number, tx: Tx): Promise<OverdueHold[]> {
    return findKeeping.run([...listsOf(wanted), limit], tx);
  }

  /** Locks those of these holds that belong to no order of the shop's and are still overdue, by ascending id. */
  async lock(ids: string[], whenLocked: WhenLocked, tx: Tx): Promise<string[]> {
    return (await lock[whenLocked].run([ids], tx)).map(({ id }) => id);
  }

  /** What was taken for any of these. */
  async findProducts(orderRefs: string[], tx: Tx): Promise<number[]> {
    return (await findProducts.run([orderRefs], tx)).map(({ product_id }) => product_id);
  }
}

function listsOf(goods: Goods[]): [productIds: number[], quantities: number[]] {
  return [goods.map(({ product_id }) => product_id), goods.map(({ quantity }) => quantity)];
}
