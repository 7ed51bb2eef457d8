import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { isAlive } from '../platform/database/instance.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Charge, ChargeRequest } from './gateway/payment-gateway.js';
import type { AttemptStatus, Payment } from './payment.types.js';

const COLUMNS = `p.id, p.order_id, p.attempt, p.status, p.amount_minor, p.refunded_minor, p.currency, p.provider,
  p.provider_payment_id, p.idempotency_key, p.request, p.confirmation_url, p.failure_code, p.failure_reason,
  p.decline_ends_order, p.created_at, p.settled_at`;

const BUSY = `p.busy_until > now() AND ${isAlive('p.instance_id')}`;

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

const settle = new Statement<Payment>(
  'payment-settle',
  `UPDATE payments p
   SET status = $2, provider_payment_id = coalesce($3, p.provider_payment_id), confirmation_url = $4,
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
  `UPDATE payments p SET instance_id = $1, busy_until = now() + $2 * interval '1 millisecond'
   WHERE p.id IN (
     SELECT p.id FROM payments p
     WHERE p.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
       AND (p.next_check_at <= now() OR EXISTS (
         SELECT FROM reservations r
         WHERE r.order_id = p.order_id AND r.status = 'active' AND r.expires_at <= now()
           AND r.expires_at > coalesce(p.checked_at, p.created_at)))
     ORDER BY p.next_check_at LIMIT $3 FOR UPDATE SKIP LOCKED)
   RETURNING ${COLUMNS}`,
);

const claimOne = new Statement<Payment>(
  'payment-claim-one',
  `UPDATE payments p SET instance_id = $2, busy_until = now() + $3 * interval '1 millisecond'
   WHERE p.id = $1 AND p.status IN ('pending', 'unknown') AND (${BUSY}) IS NOT TRUE
   RETURNING ${COLUMNS}`,
);

export interface AttemptRow {
  id: string;
  attempt: number;
  request: ChargeRequest;
  decline_ends_order: boolean;
}

/** All SQL and all locks of the table `payments`. A payment is locked only after its order. */
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
