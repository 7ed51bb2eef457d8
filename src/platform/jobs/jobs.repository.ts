import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service.js';
import { Statement } from '../database/statement.js';
import { SCHEMA } from './boss.js';

// As pg-boss looks for its next job, and by the same index (job_i11): one probe for each queue, however long it is.
const oldestWaiting = new Statement<{ queue: string; seconds: number }>(
  'jobs-oldest-waiting',
  `SELECT q.name AS queue, coalesce(extract(epoch FROM now() - oldest.created_on), 0)::float8 AS seconds
   FROM unnest($1::text[]) AS q(name) LEFT JOIN LATERAL (
     SELECT created_on FROM ${SCHEMA}.job WHERE name = q.name AND state < 'active' AND NOT blocked
     ORDER BY priority DESC, created_on LIMIT 1) oldest ON true`,
);

/** What is asked of the job queue's own tables for a monitor. */
@Injectable()
export class JobsRepository {
  constructor(private readonly database: DatabaseService) {}

  /** For how long the oldest job of each of these queues has waited, first or for another try; 0 when none does. In seconds. */
  async oldestWaiting(queues: string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.read(oldestWaiting, [queues]);
    return new Map(rows.map(({ queue, seconds }) => [queue, seconds]));
  }
}
