import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Attempt, Delivery, DeliveryJob, DeliveryStatus, NewDelivery } from './webhook.types.js';
import type { Letter } from './webhook-sender.js';

const COLUMNS = `id, endpoint_id, event_id, type, status, attempts, response_status, error, created_at, attempted_at, delivered_at`;

const insertNew = new Statement<{ id: string }>(
  'webhook-delivery-insert-new',
  `INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, body)
   SELECT id, endpoint_id, event_id, type, body
   FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[]) AS d(id, endpoint_id, event_id, type, body)
   ON CONFLICT ON CONSTRAINT webhook_deliveries_once DO NOTHING
   RETURNING id`,
);

const findDue = new Statement<Letter & { active: boolean }>(
  'webhook-delivery-find-due',
  `SELECT e.url, e.secret, e.active, d.event_id, d.body
   FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
   WHERE d.id = $1 AND d.round = $2 AND d.status = 'pending'`,
);

const note = new Statement(
  'webhook-delivery-note',
  `UPDATE webhook_deliveries
   SET attempts = attempts + 1, response_status = $3, error = $4, attempted_at = now(),
       status = CASE WHEN $4::text IS NULL THEN 'delivered' ELSE 'pending' END,
       delivered_at = CASE WHEN $4::text IS NULL THEN now() END
   WHERE id = $1 AND round = $2 AND status = 'pending'`,
);

const findPending = new Statement<Delivery>(
  'webhook-delivery-find-pending',
  `SELECT ${COLUMNS} FROM webhook_deliveries WHERE id = $1 AND round = $2 AND status = 'pending'`,
);

const fail = new Statement(
  'webhook-delivery-fail',
  `UPDATE webhook_deliveries SET status = 'failed', error = coalesce($3, error)
   WHERE id = $1 AND round = $2 AND status = 'pending'`,
);

const REVIVED = `SET status = 'pending', delivered_at = NULL, round = round + 1`;

const findFailed = new Statement<DeliveryJob>(
  'webhook-delivery-find-failed',
  `SELECT id AS delivery_id, round FROM webhook_deliveries WHERE event_id = $1 AND status = 'failed'`,
);

const reviveFailed = new Statement<DeliveryJob>(
  'webhook-delivery-revive-failed',
  `UPDATE webhook_deliveries d ${REVIVED} FROM webhook_endpoints e
   WHERE d.id = $1 AND d.round = $2 AND d.status = 'failed' AND e.id = d.endpoint_id AND e.active
   RETURNING d.id AS delivery_id, d.round`,
);

const revive = new Statement<Delivery & { round: number }>(
  'webhook-delivery-revive',
  `UPDATE webhook_deliveries ${REVIVED} WHERE id = $1 RETURNING ${COLUMNS}, round`,
);

const isToActive = new Statement<{ active: boolean }>(
  'webhook-delivery-is-to-active',
  `SELECT e.active FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id WHERE d.id = $1`,
);

// Without names Postgres plans them with their values at hand: few deliveries are in trouble, and have an index of their own.
const FILTERED = 'endpoint_id = $1 AND ($2::text IS NULL OR status = $2)';
const list = new Statement<Delivery>(
  '',
  `SELECT ${COLUMNS} FROM webhook_deliveries
   WHERE ${FILTERED} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
);
const count = new Statement<{ total: number }>(
  '',
  `SELECT count(*) AS total FROM webhook_deliveries WHERE ${FILTERED}`,
);

const deleteOld = new Statement<{ id: string }>(
  'webhook-delivery-delete-old',
  `DELETE FROM webhook_deliveries WHERE id IN (
     SELECT id FROM webhook_deliveries WHERE status <> 'pending' AND created_at < now() - $1 * interval '1 day'
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING id`,
);

/** All SQL of the table `webhook_deliveries`. */
@Injectable()
export class WebhookDeliveryRepository {
  constructor(private readonly database: DatabaseService) {}

  /** @returns the ids of those that were not there before. */
  async insertNew(deliveries: NewDelivery[], tx: Tx): Promise<string[]> {
    const values = [
      deliveries.map(({ id }) => id),
      deliveries.map(({ endpoint_id }) => endpoint_id),
      deliveries.map(({ event_id }) => event_id),
      deliveries.map(({ type }) => type),
      deliveries.map(({ body }) => body),
    ];
    return (await insertNew.run(values, tx)).map(({ id }) => id);
  }

  /** What a job has to send, or null when it has nothing to do any more. */
  async findDue({ delivery_id, round }: DeliveryJob): Promise<(Letter & { active: boolean }) | null> {
    return this.database.readFirst(findDue, [delivery_id, round]);
  }

  /** Writes what came of an attempt; without an error it is delivered. */
  async note(
    { delivery_id, round }: DeliveryJob,
    { response_status, error }: Attempt,
    tx: Tx,
  ): Promise<void> {
    await note.run([delivery_id, round, response_status, error], tx);
  }

  /** The delivery of a job, unless it has ended or is in another round. */
  async findPending({ delivery_id, round }: DeliveryJob): Promise<Delivery | null> {
    return this.database.readFirst(findPending, [delivery_id, round]);
  }

  /** Gives a pending delivery up. Without a reason, the error of its newest attempt stays. */
  async fail({ delivery_id, round }: DeliveryJob, reason: string | null, tx: Tx): Promise<void> {
    await fail.run([delivery_id, round, reason], tx);
  }

  /** The rounds in which deliveries of an event were given up. */
  async findFailed(eventId: string, tx: Tx): Promise<DeliveryJob[]> {
    return findFailed.run([eventId], tx);
  }

  /** Begins the round after this one. @returns its job; null when the delivery has gone on, or its endpoint is not active. */
  async reviveFailed({ delivery_id, round }: DeliveryJob, tx: Tx): Promise<DeliveryJob | null> {
    return reviveFailed.first([delivery_id, round], tx);
  }

  /** Begins a new round. The delivery must be there. */
  async revive(id: string, tx: Tx): Promise<Delivery & { round: number }> {
    return (await revive.first([id], tx)) as Delivery & { round: number };
  }

  /** Whether the delivery's endpoint is active; null when there is no such delivery. */
  async isToActive(id: string, tx: Tx): Promise<boolean | null> {
    return (await isToActive.first([id], tx))?.active ?? null;
  }

  /** Newest first, from below `before`. */
  async list(
    endpointId: number,
    status: DeliveryStatus | null,
    before: string | null,
    limit: number,
  ): Promise<Delivery[]> {
    return this.database.read(list, [endpointId, status, before, limit]);
  }

  async count(endpointId: number, status: DeliveryStatus | null): Promise<number> {
    return (await this.database.readFirst(count, [endpointId, status]))?.total ?? 0;
  }

  /** Removes up to `limit` that have ended. @returns how many. */
  async deleteOlderThan(days: number, limit: number, tx: Tx): Promise<number> {
    return (await deleteOld.run([days, limit], tx)).length;
  }
}
