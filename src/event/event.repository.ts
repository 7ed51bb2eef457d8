import { Injectable } from '@nestjs/common';
import { jsonTexts, plainArray, splitTexts } from '../platform/database/arrays.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { currentTraceparent } from '../platform/observability/tracing.js';
import { uuidv7 } from '../platform/uuid.js';
import type { EventType, NewEvent, StoredEvent } from './event.types.js';

/** An event that is yet to be handed on. */
export interface Undispatched {
  event_id: string;
  type: EventType;
}

const append = new Statement(
  'event-append',
  `WITH told AS (
     INSERT INTO events (id, type, data, traceparent)
     SELECT id, type, data, $4::text
     FROM unnest($1::uuid[], $2::text[], ${splitTexts('$3')}::jsonb[]) AS e(id, type, data)
     RETURNING id, type)
   INSERT INTO events_undispatched (event_id, type) SELECT id, type FROM told`,
);

// Asked several times a second, so it costs one look at an index, and no transaction.
const anyUndispatched = new Statement<{ one: number }>(
  'event-any-undispatched',
  'SELECT 1 AS one FROM events_undispatched LIMIT 1',
);

// ANY(ARRAY(…)) and not a join: the planner then goes by the index whatever it believes about the table's size.
const claimUndispatched = new Statement<Undispatched>(
  'event-claim-undispatched',
  `DELETE FROM events_undispatched WHERE event_id = ANY(ARRAY(
     SELECT event_id FROM events_undispatched ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED))
   RETURNING event_id, type`,
);

// The one id first: for a join of the two tables the planner may read all events that are older.
const OLDEST = 'events WHERE id = (SELECT event_id FROM events_undispatched ORDER BY event_id LIMIT 1)';
const oldestIsLate = new Statement<{ late: boolean }>(
  'event-oldest-is-late',
  `SELECT created_at < now() - $1 * interval '1 millisecond' AS late FROM ${OLDEST}`,
);

// Counts no further than this: a relay that has stood still must not make each look at it a long one.
const BACKLOG_MAX = 100_000;
const measureBacklog = new Statement<{ events: number; lag_seconds: number }>(
  'event-measure-backlog',
  `SELECT (SELECT count(*) FROM (SELECT FROM events_undispatched LIMIT ${BACKLOG_MAX}) waiting) AS events,
          coalesce((SELECT extract(epoch FROM now() - created_at) FROM ${OLDEST}), 0)::float8 AS lag_seconds`,
);

// Another transaction at the same event is waited for: if it commits, its row is found and the event is not ours.
const claimForConsumer = new Statement<StoredEvent>(
  'event-claim-for-consumer',
  `WITH ours AS (
     INSERT INTO event_processing_log (event_id, consumer)
     SELECT event_id, $2 FROM unnest($1::uuid[]) AS t(event_id) ORDER BY event_id
     ON CONFLICT DO NOTHING
     RETURNING event_id)
   SELECT e.id, e.type, e.data, e.created_at FROM ours JOIN events e ON e.id = ours.event_id ORDER BY e.id`,
);

const traceparents = new Statement<{ traceparent: string }>(
  'event-traceparents',
  'SELECT DISTINCT traceparent FROM events WHERE id = ANY($1::uuid[]) AND traceparent IS NOT NULL',
);

const find = new Statement<StoredEvent>(
  'event-find',
  'SELECT id, type, data, created_at FROM events WHERE id = $1',
);

const list = new Statement<StoredEvent>(
  'event-list',
  `SELECT id, type, data, created_at FROM events
   WHERE ($1::text IS NULL OR type = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3`,
);
const count = new Statement<{ total: number }>(
  'event-count',
  'SELECT count(*) AS total FROM events WHERE $1::text IS NULL OR type = $1',
);

// A letter that was retried lately may still be on its way to its consumer.
const deleteOld = new Statement(
  'event-delete-old',
  `DELETE FROM events WHERE id = ANY(ARRAY(
     SELECT e.id FROM events e
     WHERE e.id < $1
       AND NOT EXISTS (SELECT FROM events_undispatched u WHERE u.event_id = e.id)
       AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.event_id = e.id
                         AND (d.resolved_at IS NULL OR d.resolved_at > now() - interval '7 days'))
     ORDER BY e.id LIMIT $2))
   RETURNING id`,
);

const deleteOldLog = new Statement(
  'event-delete-old-log',
  `DELETE FROM event_processing_log l USING (
     SELECT event_id, consumer FROM event_processing_log
     WHERE event_id < $1 AND processed_at < now() - $2 * interval '1 day'
     ORDER BY event_id LIMIT $3) old
   WHERE l.event_id = old.event_id AND l.consumer = old.consumer
   RETURNING l.event_id`,
);

const MS_PER_DAY = 86_400_000;

/** All SQL of the tables `events`, `events_undispatched` and `event_processing_log`. */
@Injectable()
export class EventRepository {
  constructor(private readonly database: DatabaseService) {}

  async append(events: NewEvent[], tx: Tx): Promise<void> {
    await append.run(
      [
        plainArray(events.map(() => uuidv7())),
        plainArray(events.map(({ type }) => type)),
        jsonTexts(events.map(({ data }) => JSON.stringify(data))),
        currentTraceparent(),
      ],
      tx,
    );
  }

  async hasUndispatched(): Promise<boolean> {
    return (await this.database.readFirst(anyUndispatched, [])) !== null;
  }

  /** The oldest that no other relay is at, up to `limit`, in no order: with `tx` they are dispatched. */
  async claimUndispatched(limit: number, tx: Tx): Promise<Undispatched[]> {
    return claimUndispatched.run([limit], tx);
  }

  /** Whether the oldest event that is not dispatched has waited for longer. */
  async isOldestLate(afterMs: number): Promise<boolean> {
    return (await this.database.readFirst(oldestIsLate, [afterMs]))?.late ?? false;
  }

  /** How many events wait to be dispatched, up to 100,000, and for how long the oldest has waited. */
  async measureBacklog(): Promise<{ events: number; lag_seconds: number }> {
    const measured = await this.database.readFirst(measureBacklog, []);
    return measured ?? { events: 0, lag_seconds: 0 };
  }

  /** Notes that `consumer` acts on these in `tx`. @returns those that it has not acted on before, oldest first. */
  async claimForConsumer(ids: string[], consumer: string, tx: Tx): Promise<StoredEvent[]> {
    return claimForConsumer.run([ids, consumer], tx);
  }

  /** The traces that have made these. */
  async traceparentsOf(ids: string[]): Promise<string[]> {
    return (await this.database.read(traceparents, [ids])).map(({ traceparent }) => traceparent);
  }

  async find(id: string): Promise<StoredEvent | null> {
    return this.database.readFirst(find, [id]);
  }

  /** Newest first, before `beforeId`. */
  async list(type: EventType | null, beforeId: string | null, limit: number): Promise<StoredEvent[]> {
    return this.database.read(list, [type, beforeId, limit]);
  }

  async count(type: EventType | null): Promise<number> {
    return (await this.database.readFirst(count, [type]))?.total ?? 0;
  }

  /** Removes up to `limit` events, oldest first, that are dispatched and of no open dead letter. @returns how many. */
  async deleteOlderThan(days: number, limit: number, tx: Tx): Promise<number> {
    return (await deleteOld.run([firstIdOf(days), limit], tx)).length;
  }

  /** Removes up to `limit` entries of the log. @returns how many. */
  async deleteLogOlderThan(days: number, limit: number, tx: Tx): Promise<number> {
    return (await deleteOldLog.run([firstIdOf(days), days, limit], tx)).length;
  }
}

/** The smallest id that an event of so many days ago can have: a UUIDv7 begins with its time. */
function firstIdOf(daysAgo: number): string {
  const time = (Date.now() - daysAgo * MS_PER_DAY).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
