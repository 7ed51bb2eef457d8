import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { ApiKey, NewApiKey } from './api-key.types.js';

const COLUMNS = 'id, name, scopes, prefix, created_at, last_used_at';

// One round trip for each call that brings a key. Its use is written down once a minute, and whoever finds somebody else
// writing it down leaves it at that: calls with one key never wait for each other.
const use = new Statement<ApiKey>(
  'api-key-use',
  `WITH noted AS (
     UPDATE api_keys SET last_used_at = now() WHERE id = (
       SELECT id FROM api_keys
       WHERE key_hash = $1 AND coalesce(last_used_at < now() - interval '1 minute', true) FOR UPDATE SKIP LOCKED)
   )
   SELECT ${COLUMNS} FROM api_keys WHERE key_hash = $1`,
);

const insert = new Statement<ApiKey>(
  'api-key-insert',
  `INSERT INTO api_keys (name, scopes, prefix, key_hash) VALUES ($1, $2, $3, $4) RETURNING ${COLUMNS}`,
);

const find = new Statement<ApiKey>('api-key-find', `SELECT ${COLUMNS} FROM api_keys WHERE id = $1`);

// As bigint: a made-up cursor may name an id that no integer can be.
const list = new Statement<ApiKey>(
  'api-key-list',
  `SELECT ${COLUMNS} FROM api_keys WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
);

const count = new Statement<{ total: number }>('api-key-count', 'SELECT count(*) AS total FROM api_keys');

const remove = new Statement<ApiKey>(
  'api-key-delete',
  `DELETE FROM api_keys WHERE id = $1 RETURNING ${COLUMNS}`,
);

/** All SQL of the table `api_keys`. */
@Injectable()
export class ApiKeyRepository {
  constructor(private readonly database: DatabaseService) {}

  /** The key with this hash, whose use is noted, or null. */
  async use(keyHash: Buffer): Promise<ApiKey | null> {
    return this.database.readFirst(use, [keyHash]);
  }

  async insert({ name, scopes, prefix, key_hash }: NewApiKey, tx: Tx): Promise<ApiKey> {
    return (await insert.first([name, scopes, prefix, key_hash], tx)) as ApiKey;
  }

  async find(id: number): Promise<ApiKey | null> {
    return this.database.readFirst(find, [id]);
  }

  /** Newest first, from below `before`. */
  async list(before: number | null, limit: number): Promise<ApiKey[]> {
    return this.database.read(list, [before, limit]);
  }

  async count(): Promise<number> {
    return (await this.database.readFirst(count, []))?.total ?? 0;
  }

  /** @returns the key that is gone, or null when there was none. */
  async delete(id: number, tx: Tx): Promise<ApiKey | null> {
    return remove.first([id], tx);
  }
}
