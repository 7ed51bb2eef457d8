import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { USER_COLUMNS, type User } from './auth.types.js';

export interface RefreshTokenRow {
  id: string;
  family_id: string;
  used: boolean;
  revoked: boolean;
  expired: boolean;
}

export interface NewRefreshToken {
  id: string;
  user_id: number;
  family_id: string;
  /** SHA-256 of the token: who reads the table can log in as nobody. */
  token_hash: Buffer;
  ttl_seconds: number;
}

// Locks the user rather than the token. With only the token locked, a family could grow at its end, by the refresh of a
// newer token, while it is being revoked, and the newest token would live on. NO KEY, so that orders and carts, whose
// foreign keys look at the user, do not wait.
const lockOwner = new Statement<User>(
  'refresh-token-lock-owner',
  `SELECT ${USER_COLUMNS} FROM users
   WHERE id = (SELECT user_id FROM refresh_tokens WHERE token_hash = $1) AND deleted_at IS NULL FOR NO KEY UPDATE`,
);

const find = new Statement<RefreshTokenRow>(
  'refresh-token-find',
  `SELECT id, family_id, used_at IS NOT NULL AS used, revoked_at IS NOT NULL AS revoked, expires_at <= now() AS expired
   FROM refresh_tokens WHERE token_hash = $1`,
);

const insert = new Statement(
  'refresh-token-insert',
  `INSERT INTO refresh_tokens (id, user_id, family_id, token_hash, expires_at)
   VALUES ($1, $2, $3, $4, now() + $5 * interval '1 second')`,
);

const useUp = new Statement(
  'refresh-token-use-up',
  'UPDATE refresh_tokens SET used_at = now() WHERE id = $1',
);

const revokeFamily = new Statement(
  'refresh-token-revoke-family',
  'UPDATE refresh_tokens SET revoked_at = now() WHERE family_id = $1 AND revoked_at IS NULL',
);

const revokeAll = new Statement(
  'refresh-token-revoke-all',
  'UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = $1 AND revoked_at IS NULL',
);

const deleteExpired = new Statement(
  'refresh-token-delete-expired',
  `DELETE FROM refresh_tokens WHERE id = ANY(ARRAY(
     SELECT id FROM refresh_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))
   RETURNING id`,
);

/** All SQL of the table `refresh_tokens`. */
@Injectable()
export class RefreshTokenRepository {
  constructor(private readonly database: DatabaseService) {}

  /**
   * Locks the user to whom the token belongs until `tx` ends, so that whatever happens to one user's tokens happens one
   * after another. @returns null when there is no such token.
   */
  async lockOwner(tokenHash: Buffer, tx: Tx): Promise<User | null> {
    return lockOwner.first([tokenHash], tx);
  }

  /** After `lockOwner` and not together with it: a statement's snapshot is older than the locks that it takes. */
  async find(tokenHash: Buffer, tx: Tx): Promise<RefreshTokenRow | null> {
    return find.first([tokenHash], tx);
  }

  async insert({ id, user_id, family_id, token_hash, ttl_seconds }: NewRefreshToken, tx: Tx): Promise<void> {
    await insert.run([id, user_id, family_id, token_hash, ttl_seconds], tx);
  }

  async useUp(id: string, tx: Tx): Promise<void> {
    await useUp.run([id], tx);
  }

  async revokeFamily(familyId: string, tx: Tx): Promise<void> {
    await revokeFamily.run([familyId], tx);
  }

  async revokeAll(userId: number, tx: Tx): Promise<void> {
    await revokeAll.run([userId], tx);
  }

  /** Removes up to `limit` tokens whose time is over. @returns how many. */
  async deleteExpired(limit: number): Promise<number> {
    return this.database.transaction(async (tx) => (await deleteExpired.run([limit], tx)).length);
  }
}
