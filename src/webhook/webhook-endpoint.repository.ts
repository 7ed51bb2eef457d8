import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Endpoint, NewEndpoint, Subscription } from './webhook.types.js';

const COLUMNS = 'id, url, events, active, created_at, updated_at';

const insert = new Statement<Endpoint>(
  'webhook-endpoint-insert',
  `INSERT INTO webhook_endpoints (url, events, secret, active) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
);

const find = new Statement<Endpoint>(
  'webhook-endpoint-find',
  `SELECT ${COLUMNS} FROM webhook_endpoints WHERE id = $1`,
);

// As bigint: a made-up cursor may name an id that no integer can be.
const list = new Statement<Endpoint>(
  'webhook-endpoint-list',
  `SELECT ${COLUMNS} FROM webhook_endpoints WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
);
const count = new Statement<{ total: number }>(
  'webhook-endpoint-count',
  'SELECT count(*) AS total FROM webhook_endpoints',
);

const change = new Statement<Endpoint>(
  'webhook-endpoint-change',
  `UPDATE webhook_endpoints
   SET url = coalesce($2, url), events = coalesce($3, events), secret = coalesce($4, secret), active = coalesce($5, active),
       updated_at = now()
   WHERE id = $1 RETURNING ${COLUMNS}`,
);

const lock = new Statement<Endpoint>(
  'webhook-endpoint-lock',
  `SELECT ${COLUMNS} FROM webhook_endpoints WHERE id = $1 FOR NO KEY UPDATE`,
);

const remove = new Statement<Endpoint>(
  'webhook-endpoint-delete',
  `DELETE FROM webhook_endpoints WHERE id = $1 RETURNING ${COLUMNS}`,
);

const findWanted = new Statement<{ type: Subscription }>(
  'webhook-endpoint-find-wanted',
  'SELECT DISTINCT unnest(events) AS type FROM webhook_endpoints WHERE active',
);

// KEY SHARE: none of them is deleted before the deliveries that refer to it are there.
const lockActive = new Statement<Pick<Endpoint, 'id' | 'events'>>(
  'webhook-endpoint-lock-active',
  'SELECT id, events FROM webhook_endpoints WHERE active ORDER BY id FOR KEY SHARE',
);

/** All SQL of the table `webhook_endpoints`, but for what a delivery reads of its own. */
@Injectable()
export class WebhookEndpointRepository {
  constructor(private readonly database: DatabaseService) {}

  async insert({ url, events, secret, active }: NewEndpoint, tx: Tx): Promise<Endpoint> {
    return (await insert.first([url, events, secret, active], tx)) as Endpoint;
  }

  async find(id: number): Promise<Endpoint | null> {
    return this.database.readFirst(find, [id]);
  }

  /** Newest first, from below `before`. */
  async list(before: number | null, limit: number): Promise<Endpoint[]> {
    return this.database.read(list, [before, limit]);
  }

  async count(): Promise<number> {
    return (await this.database.readFirst(count, []))?.total ?? 0;
  }

  /** Changes what is given. @returns null when there is no such endpoint. */
  async change(id: number, wish: Partial<NewEndpoint>, tx: Tx): Promise<Endpoint | null> {
    const { url, events, secret, active } = wish;
    return change.first([id, url ?? null, events ?? null, secret ?? null, active ?? null], tx);
  }

  /** Locks the endpoint until `tx` ends, or null when there is none. */
  async lock(id: number, tx: Tx): Promise<Endpoint | null> {
    return lock.first([id], tx);
  }

  /** With all its deliveries. @returns the endpoint that is gone, or null when there was none. */
  async delete(id: number, tx: Tx): Promise<Endpoint | null> {
    return remove.first([id], tx);
  }

  /** What any active endpoint wants to be told of. */
  async findWanted(tx: Tx): Promise<Set<Subscription>> {
    return new Set((await findWanted.run([], tx)).map(({ type }) => type));
  }

  /** The active endpoints; none of them goes before `tx` ends. */
  async lockActive(tx: Tx): Promise<Pick<Endpoint, 'id' | 'events'>[]> {
    return lockActive.run([], tx);
  }
}
