import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { ApiKey, NewApiKey } from './api-key.types.js';

const COLUMNS = 'id, name, scopes, prefix, created_at, last_used_at';

const UNNOTED = `coalesce(last_used_at < now() - interval '1 minute', true)`;

const findByHash = new Statement<ApiKey & { unnoted: boolean }>(
  'api-key-find-by-hash',
  `SELECT ${COLUMNS}, ${UNNOTED} AS unnoted FROM api_keys WHERE key_hash = $1`,
);

// Whoever finds somebody else noting it leaves it at that: calls with one key never wait for each other.
const noteUse = new Statement(
  'api-key-note-use',
  `UPDATE api_keys SET last_used_at = now()
   WHERE id = (SELECT id FROM api_keys WHERE id = $1 AND ${UNNOTED} FOR UPDATE SKIP LOCKED)`,
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

  /** The key with this hash, and whether its use was not noted for a minute; or null. */
  async findByHash(keyHash: Buffer): Promise<(ApiKey & { unnoted: boolean }) | null> {
    return this.database.readFirst(findByHash, [keyHash]);
  }

  async noteUse(id: number, tx: Tx): Promise<void> {
    await noteUse.run([id], tx);
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
