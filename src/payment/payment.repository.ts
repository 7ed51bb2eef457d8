import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { isAlive } from '../platform/database/instance.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Charge, ChargeRequest } from './gateway/payment-gateway.js';
import type { AttemptStatus, Payment, SettledNotification } from './payment.types.js';

const COLUMNS = `p.id, p.order_id, p.attempt, p.status, p.amount_minor, p.refunded_minor, p.refunding_minor, p.currency, p.provider,
  p.provider_payment_id, p.idempotency_key, p.request, p.confirmation_url, p.failure_code, p.failure_reason,
  p.decline_ends_order, p.checks > 0 AS sent_before, p.created_at, p.settled_at,
  extract(epoch FROM now() - p.created_at) * 1000 AS age_ms,
  (SELECT extract(epoch FROM now() - o.updated_at) * 1000 FROM orders o
   WHERE o.id = p.order_id AND o.status IN ('failed', 'expired', 'cancelled')) AS order_ended_ms`;

const BUSY = `p.busy_until > now() AND ${isAlive('p.instance_id')}`;

// Whoever was at it and has not settled it may have sent its request: that counts as a check.
const TAKE_OVER = 'checks = p.checks + (p.instance_id IS NOT NULL)::int';

const insertAttempts = new Statement<Payment>(
  'payment-insert',
  `INSERT INTO payments AS p (id, order_id, attempt, status, amount_minor, currency, provider, idempotency_key, request,
                              decline_ends_order, instance_id, busy_until, next_check_at)
   SELECT id, (request->>'order_id')::uuid, attempt, 'pending', (request->>'amount_minor')::bigint, request->>'currency', $5,
          request->>'idempotency_key', request, decline_ends_order, $6, now() + $7 * interval '1 millisecond', now()
   FROM unnest($1::uuid[], $2::int[], $3::jsonb[], $4::boolean[]) AS a(id, attempt, request, decline_ends_order)
   RETURNING ${COLUMNS}`,
);

const insertAccepted = new Statement<Payment>(
  'payment-insert-accepted',
  `INSERT INTO payments AS p (id, order_id, attempt, status, amount_minor, currency, provider, provider_payment_id,
                              idempotency_key, request, next_check_at, settled_at)
   VALUES ($1, $2, $3, 'succeeded', $4, $5, 'manual', $6, $7, '{}', now(), now())
   RETURNING ${COLUMNS}`,
);

const ofOrder = new Statement<Payment>(
  'payment-of-order',
  `SELECT ${COLUMNS} FROM payments p WHERE p.order_id = $1 ORDER BY p.attempt`,
);

// As bigint: a made-up cursor may name an attempt that no integer can be.
const pageOfOrder = new Statement<Payment>(
  'payment-page-of-order',
  `SELECT ${COLUMNS} FROM payments p WHERE p.order_id = $1 AND p.attempt > $2::bigint ORDER BY p.attempt LIMIT $3`,
);
const countOfOrder = new Statement<{ total: number }>(
  'payment-count-of-order',
  'SELECT count(*) AS total FROM payments WHERE order_id = $1',
);

const find = new Statement<Payment & { user_id: number }>(
  'payment-find',
  `SELECT ${COLUMNS}, o.user_id FROM payments p JOIN orders o ON o.id = p.order_id WHERE p.id = $1`,
);

const lock = new Statement<Payment>(
  'payment-lock',
  `SELECT ${COLUMNS} FROM payments p WHERE p.id = $1 FOR NO KEY UPDATE`,
);

const findByProviderId = new Statement<Payment>(
  'payment-find-by-provider-id',
  `SELECT ${COLUMNS} FROM payments p WHERE p.provider = $1 AND p.provider_payment_id = $2`,
);

const findByKey = new Statement<Payment>(
  'payment-find-by-key',
  `SELECT ${COLUMNS} FROM payments p WHERE p.idempotency_key = $1`,
);

const reserveRefund = new Statement<{ id: string }>(
  'payment-reserve-refund',
  'UPDATE payments SET refunding_minor = refunding_minor + $2 WHERE id = $1 RETURNING id',
);

const settleRefund = new Statement<Payment>(
  'payment-settle-refund',
  `UPDATE payments p SET refunding_minor = p.refunding_minor - $2, refunded_minor = p.refunded_minor + $3
   WHERE p.id = $1 RETURNING ${COLUMNS}`,
);

const insertNotification = new Statement<{ event_id: string }>(
  'payment-insert-notification',
  `INSERT INTO payment_notifications (provider, event_id, type, order_id) VALUES ($1, $2, $3, $4)
   ON CONFLICT DO NOTHING RETURNING event_id`,
);

const findNotification = new Statement<{ event_id: string }>(
  'payment-find-notification',
  'SELECT event_id FROM payment_notifications WHERE provider = $1 AND event_id = $2',
);

const deleteNotifications = new Statement<{ event_id: string }>(
  'payment-delete-notifications',
  `DELETE FROM payment_notifications WHERE (provider, event_id) IN (
     SELECT provider, event_id FROM payment_notifications WHERE received_at < now() - $1 * interval '1 day'
     ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING event_id`,
);

const settle = new Statement<Payment>(
  'payment-settle',
  `UPDATE payments p
   SET status = $2, provider_payment_id = coalesce($3, p.provider_payment_id),
       -- No answer for once: the customer still needs the provider's page.
       confirmation_url = CASE WHEN $2 = 'unknown' THEN p.confirmation_url ELSE $4 END,
       failure_code = $5, failure_reason = $6, busy_until = NULL, instance_id = NULL,
       settled_at = CASE WHEN $2 IN ('succeeded', 'failed') THEN now() END,
       checks = p.checks + 1, checked_at = now(),
       -- Asked again at the next recovery, then less and less often, at last once a minute.
       next_check_at = now() + least(60, $7 * (power(2, least(p.checks, 6)) - 1)) * interval '1 second'
   WHERE p.id = $1
   RETURNING ${COLUMNS}`,
);

// What is due and nobody is at: its caller has died, has run out of time, or has left it unknown. An order whose hold has
// run out since the provider was last asked is due at once: only the provider can say whether its goods come free.
const claimDue = new Statement<Payment>(
  'payment-claim-due',
  `UPDATE payments p SET ${TAKE_OVER}, instance_id = $1, busy_until = now() + $2 * interval '1 millisecond'
   WHERE p.id = ANY(ARRAY(
     SELECT p.id FROM payments p
     WHERE p.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
       AND (p.next_check_at <= now() OR EXISTS (
         SELECT FROM reservations r
         WHERE r.order_id = p.order_id AND r.status = 'active' AND r.expires_at <= now()
           AND r.expires_at > coalesce(p.checked_at, p.created_at)))
     ORDER BY p.next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED))
   RETURNING ${COLUMNS}`,
);

const claimOne = new Statement<Payment>(
  'payment-claim-one',
  `UPDATE payments p SET ${TAKE_OVER}, instance_id = $2, busy_until = now() + $3 * interval '1 millisecond'
   WHERE p.id = $1 AND p.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
   RETURNING ${COLUMNS}`,
);

const claimOfOrders = new Statement<Payment>(
  'payment-claim-of-orders',
  `UPDATE payments p SET ${TAKE_OVER}, instance_id = $2, busy_until = now() + $3 * interval '1 millisecond'
   WHERE p.id = ANY(ARRAY(
     SELECT p.id FROM payments p
     WHERE p.order_id = ANY($1::uuid[]) AND p.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
       -- Everybody who is refused asks: a provider in trouble is not asked by each of them.
       AND (coalesce(p.checked_at, '-infinity') < now() - interval '2 seconds' OR EXISTS (
         SELECT FROM reservations r WHERE r.order_id = p.order_id AND r.expires_at > p.checked_at))
     ORDER BY p.id FOR UPDATE SKIP LOCKED))
   RETURNING ${COLUMNS}`,
);

export interface AttemptRow {
  id: string;
  attempt: number;
  request: ChargeRequest;
  decline_ends_order: boolean;
}

/**
 * All SQL and all locks of the tables `payments` and `payment_notifications`. A payment is settled only under its order's lock;
 * who claims one locks its row alone, for a moment, and waits for nobody.
 */
@Injectable()
export class PaymentRepository {
  constructor(private readonly database: DatabaseService) {}

  async insertAttempts(
    rows: AttemptRow[],
    provider: string,
    instanceId: string,
    busyMs: number,
    tx: Tx,
  ): Promise<Payment[]> {
    const values = [
      rows.map(({ id }) => id),
      rows.map(({ attempt }) => attempt),
      rows.map(({ request }) => JSON.stringify(request)),
      rows.map(({ decline_ends_order }) => decline_ends_order),
    ];
    return insertAttempts.run([...values, provider, instanceId, busyMs], tx);
  }

  async insertAccepted(row: AcceptedRow, tx: Tx): Promise<Payment> {
    const { id, order_id, attempt, amount_minor, currency, provider_payment_id, idempotency_key } = row;
    const values = [id, order_id, attempt, amount_minor, currency, provider_payment_id, idempotency_key];
    return (await insertAccepted.first(values, tx)) as Payment;
  }

  /** The attempts to pay an order, oldest first, as `tx` sees them. */
  async ofOrderIn(orderId: string, tx: Tx): Promise<Payment[]> {
    return ofOrder.run([orderId], tx);
  }

  async ofOrder(orderId: string): Promise<Payment[]> {
    return this.database.read(ofOrder, [orderId]);
  }

  /** Oldest first, from above the attempt `after`. */
  async pageOfOrder(orderId: string, after: number, limit: number): Promise<Payment[]> {
    return this.database.read(pageOfOrder, [orderId, after, limit]);
  }

  async countOfOrder(orderId: string): Promise<number> {
    return (await this.database.readFirst(countOfOrder, [orderId]))?.total ?? 0;
  }

  async find(id: string): Promise<(Payment & { user_id: number }) | null> {
    return this.database.readFirst(find, [id]);
  }

  async findIn(id: string, tx: Tx): Promise<Payment | null> {
    return find.first([id], tx);
  }

  async findByProviderId(provider: string, providerPaymentId: string): Promise<Payment | null> {
    return this.database.readFirst(findByProviderId, [provider, providerPaymentId]);
  }

  async findByKey(idempotencyKey: string): Promise<Payment | null> {
    return this.database.readFirst(findByKey, [idempotencyKey]);
  }

  /** Promises an amount of what was captured. The CHECK refuses more than there is. */
  async reserveRefund(id: string, amountMinor: number, tx: Tx): Promise<void> {
    await reserveRefund.run([id, amountMinor], tx);
  }

  /** Ends a promise of `reserveRefund`; `refundedMinor` more has been given back, or less when negative. */
  async settleRefund(id: string, promisedMinor: number, refundedMinor: number, tx: Tx): Promise<Payment> {
    return (await settleRefund.first([id, promisedMinor, refundedMinor], tx)) as Payment;
  }

  /** @returns false when it was noted before. */
  async noteNotification(
    { provider, event_id, type, order_id }: SettledNotification,
    tx: Tx,
  ): Promise<boolean> {
    return (await insertNotification.first([provider, event_id, type, order_id], tx)) !== null;
  }

  async hasNotification(provider: string, eventId: string): Promise<boolean> {
    return (await this.database.readFirst(findNotification, [provider, eventId])) !== null;
  }

  /** @returns how many were removed. */
  async deleteNotifications(olderThanDays: number, limit: number, tx: Tx): Promise<number> {
    return (await deleteNotifications.run([olderThanDays, limit], tx)).length;
  }

  async lock(id: string, tx: Tx): Promise<Payment | null> {
    return lock.first([id], tx);
  }

  /** Moves a locked attempt; null in `charge` leaves it unknown. */
  async settle(id: string, charge: Charge | null, recheckSeconds: number, tx: Tx): Promise<Payment> {
    const status: AttemptStatus = charge?.status ?? 'unknown';
    const failure = charge?.status === 'failed' ? charge : null;
    const row = await settle.first(
      [
        id,
        status,
        charge?.provider_payment_id ?? null,
        charge?.status === 'pending' ? charge.confirmation_url : null,
        failure?.failure_code ?? null,
        failure?.failure_reason ?? null,
        recheckSeconds,
      ],
      tx,
    );
    return row as Payment;
  }

  async claimDue(instanceId: string, busyMs: number, limit: number, tx: Tx): Promise<Payment[]> {
    return claimDue.run([instanceId, busyMs, limit], tx);
  }

  async claimOfOrders(orderIds: string[], instanceId: string, busyMs: number, tx: Tx): Promise<Payment[]> {
    return claimOfOrders.run([orderIds, instanceId, busyMs], tx);
  }

  async claimOne(id: string, instanceId: string, busyMs: number, tx: Tx): Promise<Payment | null> {
    return claimOne.first([id, instanceId, busyMs], tx);
  }
}

export interface AcceptedRow {
  id: string;
  order_id: string;
  attempt: number;
  amount_minor: number;
  currency: string;
  provider_payment_id: string | null;
  idempotency_key: string;
}
