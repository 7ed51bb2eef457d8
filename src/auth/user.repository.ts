import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { type NewUser, USER_COLUMNS, type User } from './auth.types.js';

export type UserWithPassword = User & { password_hash: string | null };

const insert = new Statement<User>(
  'user-insert',
  `INSERT INTO users (email, name, role, password_hash) VALUES ($1, $2, $3, $4) RETURNING ${USER_COLUMNS}`,
);

const find = new Statement<User>('user-find', `SELECT ${USER_COLUMNS} FROM users WHERE id = $1`);

const findByEmail = new Statement<UserWithPassword>(
  'user-find-by-email',
  `SELECT ${USER_COLUMNS}, password_hash FROM users WHERE email = $1`,
);

// An upsert, because several instances that start together all find that the admin is missing.
const appointAdmin = new Statement<{ id: number }>(
  'user-appoint-admin',
  `INSERT INTO users (email, name, role, password_hash) VALUES ($1, $2, 'admin', $3)
   ON CONFLICT (email) DO UPDATE SET role = 'admin', password_hash = EXCLUDED.password_hash, updated_at = now()
     WHERE users.role <> 'admin'
   RETURNING id`,
);

const anyAdmin = new Statement(`user-any-admin`, `SELECT id FROM users WHERE role = 'admin' LIMIT 1`);

/** All SQL of the table `users`, but for the lock in `RefreshTokenRepository.lockOwner`. */
@Injectable()
export class UserRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Violates `users_email_key` when the e-mail is taken. */
  async insert({ email, name, role, password_hash }: NewUser, tx: Tx): Promise<User> {
    return (await insert.first([email, name, role, password_hash], tx)) as User;
  }

  async find(id: number): Promise<User | null> {
    return this.database.readFirst(find, [id]);
  }

  async findByEmail(email: string): Promise<UserWithPassword | null> {
    return this.database.readFirst(findByEmail, [email]);
  }

  /** @returns the id of the user who has become an admin, or null when one with this e-mail is an admin already. */
  async appointAdmin(email: string, name: string, passwordHash: string, tx: Tx): Promise<number | null> {
    return (await appointAdmin.first([email, name, passwordHash], tx))?.id ?? null;
  }

  async anyAdmin(): Promise<boolean> {
    return (await this.database.readFirst(anyAdmin, [])) !== null;
  }
}
