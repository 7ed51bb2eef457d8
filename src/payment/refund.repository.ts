import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { isAlive } from '../platform/database/instance.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { ProviderRefund } from './gateway/payment-gateway.js';
import type { Refund } from './payment.types.js';

const COLUMNS = `r.id, r.order_id, r.payment_id, r.number, r.status, r.cause, r.reason, r.amount_minor, r.currency, r.provider,
  r.provider_refund_id, r.idempotency_key, r.request, r.failure_code, r.failure_reason, r.checks > 0 AS sent_before,
  r.created_at, r.settled_at, extract(epoch FROM now() - r.created_at) * 1000 AS age_ms`;

const BUSY = `r.busy_until > now() AND ${isAlive('r.instance_id')}`;

// Whoever was at it and has not settled it may have sent its request: that counts as a check.
const TAKE_OVER = 'checks = r.checks + (r.instance_id IS NOT NULL)::int';

const insert = new Statement<Refund>(
  'refund-insert',
  `INSERT INTO refunds AS r (id, order_id, payment_id, number, status, cause, reason, amount_minor, currency, provider,
                             idempotency_key, request, instance_id, busy_until, next_check_at)
   VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9, $10, $11, $12, now() + $13 * interval '1 millisecond', now())
   RETURNING ${COLUMNS}`,
);

const ofOrder = new Statement<Refund>(
  'refund-of-order',
  `SELECT ${COLUMNS} FROM refunds r WHERE r.order_id = $1 ORDER BY r.number`,
);

const pageOfOrder = new Statement<Refund>(
  'refund-page-of-order',
  `SELECT ${COLUMNS} FROM refunds r WHERE r.order_id = $1 AND r.number > $2 ORDER BY r.number LIMIT $3`,
);
const countOfOrder = new Statement<{ total: number }>(
  'refund-count-of-order',
  'SELECT count(*)::int AS total FROM refunds WHERE order_id = $1',
);

const lock = new Statement<Refund>(
  'refund-lock',
  `SELECT ${COLUMNS} FROM refunds r WHERE r.id = $1 FOR NO KEY UPDATE`,
);

const findByProviderId = new Statement<Refund>(
  'refund-find-by-provider-id',
  `SELECT ${COLUMNS} FROM refunds r WHERE r.provider = $1 AND r.provider_refund_id = $2`,
);

const settle = new Statement<Refund>(
  'refund-settle',
  `UPDATE refunds r
   SET status = $2, provider_refund_id = coalesce($3, r.provider_refund_id), failure_code = $4, failure_reason = $5,
       busy_until = NULL, instance_id = NULL, settled_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN now() END,
       checks = r.checks + 1,
       next_check_at = now() + least(60, $6 * (power(2, least(r.checks, 6)) - 1)) * interval '1 second'
   WHERE r.id = $1
   RETURNING ${COLUMNS}`,
);

const claimDue = new Statement<Refund>(
  'refund-claim-due',
  `UPDATE refunds r SET ${TAKE_OVER}, instance_id = $1, busy_until = now() + $2 * interval '1 millisecond'
   WHERE r.id = ANY(ARRAY(
     SELECT r.id FROM refunds r
     WHERE r.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE AND r.next_check_at <= now()
     ORDER BY r.next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED))
   RETURNING ${COLUMNS}`,
);

const claimOne = new Statement<Refund>(
  'refund-claim-one',
  `UPDATE refunds r SET ${TAKE_OVER}, instance_id = $2, busy_until = now() + $3 * interval '1 millisecond'
   WHERE r.id = $1 AND r.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
   RETURNING ${COLUMNS}`,
);

// What nobody may keep, for its order has come to nothing, and the provider has refused to give back, whoever wished it: again
// after a minute, later after ever longer, at last once an hour. Only the newest refusal of an order counts.
const findRefused = new Statement<Refund>(
  'refund-find-refused',
  `SELECT ${COLUMNS} FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN orders o ON o.id = r.order_id
   WHERE r.status = 'failed' AND o.status IN ('failed', 'expired', 'cancelled')
     AND r.settled_at < now() - least(3600, 60 * power(2, least(r.number, 10) - 1)) * interval '1 second'
     AND p.refunded_minor + p.refunding_minor < p.amount_minor
     AND NOT EXISTS (
       SELECT FROM refunds later WHERE later.order_id = r.order_id AND later.number > r.number AND later.status = 'failed')
   ORDER BY r.settled_at LIMIT $1`,
);

export type NewRefundRow = Pick<
  Refund,
  | 'id'
  | 'order_id'
  | 'payment_id'
  | 'number'
  | 'cause'
  | 'reason'
  | 'amount_minor'
  | 'currency'
  | 'provider'
  | 'idempotency_key'
  | 'request'
>;

/** All SQL and all locks of the table `refunds`. A refund is settled only under its order's lock. */
@Injectable()
export class RefundRepository {
  constructor(private readonly database: DatabaseService) {}

  /** `busy`: who is about to call the provider, and for how long at most; null leaves it to whoever recovers. */
  async insert(row: NewRefundRow, busy: { instanceId: string; ms: number } | null, tx: Tx): Promise<Refund> {
    const { id, order_id, payment_id, number, cause, reason, amount_minor, currency, provider } = row;
    const values = [id, order_id, payment_id, number, cause, reason, amount_minor, currency, provider];
    const { idempotency_key, request } = row;
    const called = [busy?.instanceId ?? null, busy?.ms ?? null];
    return (await insert.first(
      [...values, idempotency_key, JSON.stringify(request), ...called],
      tx,
    )) as Refund;
  }

  /** An order's refunds, oldest first, as `tx` sees them. */
  async ofOrderIn(orderId: string, tx: Tx): Promise<Refund[]> {
    return ofOrder.run([orderId], tx);
  }

  /** `ofOrder`, from above the number `after`. */
  async pageOfOrder(orderId: string, after: number, limit: number): Promise<Refund[]> {
    return this.database.read(pageOfOrder, [orderId, after, limit]);
  }

  async countOfOrder(orderId: string): Promise<number> {
    return (await this.database.readFirst(countOfOrder, [orderId]))?.total ?? 0;
  }

  async ofOrder(orderId: string): Promise<Refund[]> {
    return this.database.read(ofOrder, [orderId]);
  }

  async findByProviderId(provider: string, providerRefundId: string): Promise<Refund | null> {
    return this.database.readFirst(findByProviderId, [provider, providerRefundId]);
  }

  async lock(id: string, tx: Tx): Promise<Refund | null> {
    return lock.first([id], tx);
  }

  /** Moves a locked refund; null in `answer` leaves it unknown. */
  async settle(id: string, answer: ProviderRefund | null, recheckSeconds: number, tx: Tx): Promise<Refund> {
    const failure = answer?.status === 'failed' ? answer : null;
    const values = [
      id,
      answer?.status ?? 'unknown',
      answer?.provider_refund_id ?? null,
      failure?.failure_code ?? null,
      failure?.failure_reason ?? null,
      recheckSeconds,
    ];
    return (await settle.first(values, tx)) as Refund;
  }

  async claimDue(instanceId: string, busyMs: number, limit: number, tx: Tx): Promise<Refund[]> {
    return claimDue.run([instanceId, busyMs, limit], tx);
  }

  async claimOne(id: string, instanceId: string, busyMs: number, tx: Tx): Promise<Refund | null> {
    return claimOne.first([id, instanceId, busyMs], tx);
  }

  /** The newest refused refund of each order that has ended and whose money is still there, if its next try is due. */
  async findRefused(limit: number): Promise<Refund[]> {
    return this.database.read(findRefused, [limit]);
  }
}
