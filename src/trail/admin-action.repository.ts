import { Injectable } from '@nestjs/common';
import { jsonTexts, splitTexts } from '../platform/database/arrays.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { AdminAction, AdminActionFilter } from './admin-action.types.js';

const insert = new Statement(
  'admin-action-insert',
  `INSERT INTO admin_actions (user_id, api_key_id, request_id, action, entity, entity_id, before, after)
   SELECT $1, $2, $3, action, entity, entity_id, nullif(before, 'null'), nullif(after, 'null')
   FROM unnest($4::text[], $5::text[], $6::text[], ${splitTexts('$7')}::jsonb[], ${splitTexts('$8')}::jsonb[])
     AS a(action, entity, entity_id, before, after)`,
);

const FILTERED = `($1::text IS NULL OR entity = $1) AND ($2::text IS NULL OR entity_id = $2)
   AND ($3::int IS NULL OR user_id = $3)
   AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)`;
const list = new Statement<AdminAction>(
  'admin-action-list',
  `SELECT id, at, user_id, api_key_id, action, entity, entity_id, before, after, request_id FROM admin_actions
   WHERE ${FILTERED} AND ($6::bigint IS NULL OR id < $6) ORDER BY id DESC LIMIT $7`,
);
const count = new Statement<{ total: number }>(
  'admin-action-count',
  `SELECT count(*) AS total FROM admin_actions WHERE ${FILTERED}`,
);

/** Who acts, and in which request. */
export interface Actor {
  user_id: number | null;
  api_key_id: number | null;
  request_id: string | null;
}

export interface Step {
  action: string;
  entity: string;
  entity_id: string;
  before: object | null;
  after: object | null;
}

/** All SQL of the table `admin_actions`, which is only ever added to. */
@Injectable()
export class AdminActionRepository {
  constructor(private readonly database: DatabaseService) {}

  async insert({ user_id, api_key_id, request_id }: Actor, steps: Step[], tx: Tx): Promise<void> {
    const values = [
      steps.map(({ action }) => action),
      steps.map(({ entity }) => entity),
      steps.map(({ entity_id }) => entity_id),
      jsonTexts(steps.map(({ before }) => JSON.stringify(before))),
      jsonTexts(steps.map(({ after }) => JSON.stringify(after))),
    ];
    await insert.run([user_id, api_key_id, request_id, ...values], tx);
  }

  /** Newest first, from below `before`. */
  async list(filter: AdminActionFilter, before: number | null, limit: number): Promise<AdminAction[]> {
    return this.database.read(list, [...valuesOf(filter), before, limit]);
  }

  async count(filter: AdminActionFilter): Promise<number> {
    return (await this.database.readFirst(count, valuesOf(filter)))?.total ?? 0;
  }
}

function valuesOf({ entity, entity_id, user_id, from, to }: AdminActionFilter): unknown[] {
  return [entity, entity_id, user_id, from, to];
}
