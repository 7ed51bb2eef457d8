import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Keyset } from '../platform/http/page.js';
import type {
  EndingReservation,
  NewReservation,
  Reservation,
  ReservationEnd,
  ReservationRow,
  ReservationStatus,
  ReservationWithItems,
} from './inventory.types.js';
import { MAY_EXPIRE } from './overdue-holds.repository.js';

const insert = new Statement(
  'reservation-insert',
  `INSERT INTO reservations (id, order_ref, order_id, payment_method, ttl_seconds, expires_at)
   SELECT id, order_ref, order_id, payment_method, ttl_seconds, now() + ttl_seconds * interval '1 second'
   FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[])
     AS r(id, order_ref, order_id, payment_method, ttl_seconds)`,
);

const end = new Statement<{ id: string }>(
  'reservation-end',
  `UPDATE reservations SET status = $2, reason = $3, ended_at = now()
   WHERE order_ref = $1 AND status = 'active'
   RETURNING id`,
);

const extend = new Statement<{ expires_at: Date }>(
  'reservation-extend',
  `UPDATE reservations
   SET expires_at = expires_at + $2::int * interval '1 second', extended_seconds = extended_seconds + $2::int
   WHERE id = $1 AND status = 'active'
   RETURNING expires_at`,
);

const find = new Statement<Reservation>(
  'reservation-find',
  'SELECT id, status, expires_at FROM reservations WHERE order_ref = $1',
);

const COLUMNS = `r.id, r.order_ref, r.order_id, r.payment_method, r.ttl_seconds, r.extended_seconds, r.expires_at,
  r.expires_at <= now() AS overdue, r.reason, r.created_at`;

const lock = new Statement<ReservationRow>(
  'reservation-lock',
  `SELECT ${COLUMNS}, r.status, r.ended_at FROM reservations r WHERE r.id = $1 FOR NO KEY UPDATE`,
);

// To whoever looks, a hold has ended when its time has, whether or not anybody has noted it yet.
const RAN_OUT = `r.status = 'active' AND r.expires_at <= now() AND ${MAY_EXPIRE}`;
const STATUS = `CASE WHEN ${RAN_OUT} THEN 'expired' ELSE r.status END`;
const SEEN = 'FROM reservations r LEFT JOIN orders o ON o.id = r.order_id';
const SEEN_COLUMNS = `${COLUMNS}, ${STATUS} AS status, CASE WHEN ${RAN_OUT} THEN r.expires_at ELSE r.ended_at END AS ended_at,
    (SELECT coalesce(json_agg(json_build_object('product_id', m.product_id, 'quantity', -m.delta) ORDER BY m.product_id), '[]')
     FROM stock_movements m WHERE m.order_ref = r.order_ref AND m.kind = 'taken' AND m.round = 1) AS items`;
const WITH_ITEMS = `SELECT ${SEEN_COLUMNS} ${SEEN}`;
const findWithItems = new Statement<ReservationWithItems>(
  'reservation-find-with-items',
  `${WITH_ITEMS} WHERE r.id = $1`,
);
// An id of ours is written in lower case; whoever writes it otherwise means the same order.
const findByOrderRef = new Statement<ReservationWithItems>(
  'reservation-find-by-order-ref',
  `${WITH_ITEMS} WHERE r.order_ref = $1 OR (r.order_ref = lower($1) AND r.order_id IS NOT NULL)
   ORDER BY r.order_id NULLS LAST LIMIT 1`,
);

const FILTERED = `($1::text IS NULL OR ${STATUS} = $1) AND ($2::text IS NULL OR r.order_ref = $2)`;
const list = new Statement<ReservationWithItems>(
  'reservation-list',
  `${WITH_ITEMS} WHERE ${FILTERED} AND ($3::uuid IS NULL OR r.id < $3) ORDER BY r.id DESC LIMIT $4`,
);
// A time goes to the client and back in whole microseconds, as Postgres has it: a `Date` would lose them, and with them the place.
const listEnding = new Statement<EndingReservation>(
  'reservation-list-ending',
  `SELECT ${SEEN_COLUMNS}, (extract(epoch FROM r.expires_at) * 1000000)::bigint AS expires_us ${SEEN}
   WHERE r.status = 'active' AND NOT (${RAN_OUT}) AND ($1::text IS NULL OR r.order_ref = $1)
     AND ($2::bigint IS NULL OR (r.expires_at, r.id) > (timestamptz 'epoch' + $2 * interval '1 microsecond', $3::uuid))
   ORDER BY r.expires_at, r.id LIMIT $4`,
);
const count = new Statement<{ total: number }>(
  'reservation-count',
  `SELECT count(*) AS total ${SEEN} WHERE ${FILTERED}`,
);

// By the index of active holds, those that ran out first before the others; no further than anybody needs to know.
const COUNTED_MAX = 100_000;
const countActive = new Statement<{ active: number; overdue: number }>(
  'reservation-count-active',
  `SELECT count(*) AS active, count(*) FILTER (WHERE expires_at <= now()) AS overdue
   FROM (SELECT expires_at FROM reservations WHERE status = 'active' ORDER BY expires_at LIMIT ${COUNTED_MAX}) held`,
);

export interface ReservationFilter {
  status: ReservationStatus | null;
  order_ref: string | null;
}

/** SQL and locks of the table `reservations`; what concerns overdue holds stands in `overdue-holds.repository.ts`. */
@Injectable()
export class ReservationRepository {
  constructor(private readonly database: DatabaseService) {}

  async insert(reservations: NewReservation[], tx: Tx): Promise<void> {
    await insert.run(
      [
        reservations.map(({ id }) => id),
        reservations.map(({ order_ref }) => order_ref),
        reservations.map(({ order_id }) => order_id),
        reservations.map(({ payment_method }) => payment_method),
        reservations.map(({ ttl_seconds }) => ttl_seconds),
      ],
      tx,
    );
  }

  /** @returns its id, or null when the hold has ended before. */
  async end(orderRef: string, status: ReservationEnd, reason: string | null, tx: Tx): Promise<string | null> {
    return (await end.first([orderRef, status, reason], tx))?.id ?? null;
  }

  /** Moves the end of a locked, active hold. @returns when it ends now. */
  async extend(id: string, seconds: number, tx: Tx): Promise<Date> {
    return ((await extend.first([id, seconds], tx)) as { expires_at: Date }).expires_at;
  }

  async find(orderRef: string, tx: Tx): Promise<Reservation | null> {
    return find.first([orderRef], tx);
  }

  async lock(id: string, tx: Tx): Promise<ReservationRow | null> {
    return lock.first([id], tx);
  }

  async findWithItems(id: string): Promise<ReservationWithItems | null> {
    return this.database.readFirst(findWithItems, [id]);
  }

  async findWithItemsIn(id: string, tx: Tx): Promise<ReservationWithItems | null> {
    return findWithItems.first([id], tx);
  }

  async findByOrderRef(orderRef: string, tx: Tx): Promise<ReservationWithItems | null> {
    return findByOrderRef.first([orderRef], tx);
  }

  /** Newest first, from below `before`. */
  async list(
    { status, order_ref }: ReservationFilter,
    before: string | null,
    limit: number,
  ): Promise<ReservationWithItems[]> {
    return this.database.read(list, [status, order_ref, before, limit]);
  }

  /** The active ones, those that end first before the others, from after the place that `after` names. */
  async listEnding(
    orderRef: string | null,
    after: Keyset | null,
    limit: number,
  ): Promise<EndingReservation[]> {
    return this.database.read(listEnding, [orderRef, ...(after ?? [null, null]), limit]);
  }

  /** How many hold goods, and how many of them are past their time; each up to 100,000. */
  async countActive(): Promise<{ active: number; overdue: number }> {
    return (await this.database.readFirst(countActive, [])) ?? { active: 0, overdue: 0 };
  }

  async count({ status, order_ref }: ReservationFilter): Promise<number> {
    return (await this.database.readFirst(count, [status, order_ref]))?.total ?? 0;
  }
}
