import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { AgeSort } from '../platform/http/list-order.js';
import { uuidv7 } from '../platform/uuid.js';
import type { DeadLetter, NewDeadLetter, Resolution } from './dead-letter.types.js';

const ERROR_LENGTH_MAX = 2_000;

// The unique key (event_id, job_id) makes a job that is reported twice one letter.
const insert = new Statement(
  'dead-letter-insert',
  `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts)
   SELECT t.id, $3, t.event_id, $4, $5, $6 FROM unnest($1::uuid[], $2::uuid[]) AS t(id, event_id)
   JOIN events e ON e.id = t.event_id
   ON CONFLICT ON CONSTRAINT dead_letters_once DO NOTHING`,
);

const LETTER = `
  SELECT d.id, d.job_id, d.event_id, e.type, d.consumer, d.error, d.attempts, d.failed_at, d.resolved_at, d.resolution
  FROM dead_letters d JOIN events e ON e.id = d.event_id`;

const open = `${LETTER} WHERE d.resolved_at IS NULL`;
const listOpen: Record<AgeSort, Statement<DeadLetter>> = {
  newest: new Statement(
    'dead-letter-list-open',
    `${open} AND ($1::uuid IS NULL OR d.id < $1) ORDER BY d.id DESC LIMIT $2`,
  ),
  oldest: new Statement(
    'dead-letter-list-open-oldest',
    `${open} AND ($1::uuid IS NULL OR d.id > $1) ORDER BY d.id LIMIT $2`,
  ),
};
const find = new Statement<DeadLetter & { data: Record<string, unknown> }>(
  'dead-letter-find',
  `SELECT l.*, e.data FROM (${LETTER} WHERE d.id = $1) l JOIN events e ON e.id = l.event_id`,
);
const countOpen = new Statement<{ total: number }>(
  'dead-letter-count-open',
  'SELECT count(*) AS total FROM dead_letters WHERE resolved_at IS NULL',
);
const lock = new Statement<DeadLetter>(
  'dead-letter-lock',
  `${LETTER} WHERE d.id = $1 FOR NO KEY UPDATE OF d`,
);
const resolve = new Statement<{ resolved_at: Date }>(
  'dead-letter-resolve',
  'UPDATE dead_letters SET resolution = $2, resolved_at = now() WHERE id = $1 RETURNING resolved_at',
);

/** All SQL and all locks of the table `dead_letters`. */
@Injectable()
export class DeadLetterRepository {
  constructor(private readonly database: DatabaseService) {}

  async insert({ job_id, event_ids, consumer, error, attempts }: NewDeadLetter, tx: Tx): Promise<void> {
    const ids = event_ids.map(() => uuidv7());
    // A text of Postgres cannot hold a NUL.
    const text = error.replaceAll('\0', '').slice(0, ERROR_LENGTH_MAX);
    await insert.run([ids, event_ids, job_id, consumer, text, attempts], tx);
  }

  /** The unresolved ones in the sort's order, from beyond `afterId`. */
  async listOpen(sort: AgeSort, afterId: string | null, limit: number): Promise<DeadLetter[]> {
    return this.database.read(listOpen[sort], [afterId, limit]);
  }

  /** Resolved or not, with the data of its event. */
  async find(id: string): Promise<(DeadLetter & { data: Record<string, unknown> }) | null> {
    return this.database.readFirst(find, [id]);
  }

  async countOpen(): Promise<number> {
    return (await this.database.readFirst(countOpen, []))?.total ?? 0;
  }

  async lock(id: string, tx: Tx): Promise<DeadLetter | null> {
    return lock.first([id], tx);
  }

  /** The letter must be locked in `tx`. @returns the time that it now carries. */
  async resolve(id: string, resolution: Resolution, tx: Tx): Promise<Date> {
    return ((await resolve.first([id, resolution], tx)) as { resolved_at: Date }).resolved_at;
  }
}
