import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx, unnamed } from '../platform/database/statement.js';
import type { Role } from '../platform/http/caller.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import {
  type ListedUser,
  type NewUser,
  USER_COLUMNS,
  type User,
  type UserFilter,
  type UserSort,
} from './auth.types.js';

export type UserWithPassword = User & { password_hash: string | null };

const LISTED = `${USER_COLUMNS}, created_at, updated_at`;

const insert = new Statement<User>(
  'user-insert',
  `INSERT INTO users (email, name, role, password_hash) VALUES ($1, $2, $3, $4) RETURNING ${USER_COLUMNS}`,
);

const find = new Statement<User>(
  'user-find',
  `SELECT ${USER_COLUMNS} FROM users WHERE id = $1 AND deleted_at IS NULL`,
);

const findListed = new Statement<ListedUser>(
  'user-find-listed',
  `SELECT ${LISTED} FROM users WHERE id = $1 AND deleted_at IS NULL`,
);

const findByEmail = new Statement<UserWithPassword>(
  'user-find-by-email',
  `SELECT ${USER_COLUMNS}, password_hash FROM users WHERE email = $1 AND deleted_at IS NULL`,
);

const findRoles = new Statement<{ id: number; role: Role }>(
  'user-find-roles',
  'SELECT id, role FROM users WHERE id = ANY($1::int[]) AND deleted_at IS NULL',
);

// SHARE: whoever deletes the user waits, and revokes the session that begins here with the others.
const lockForSession = new Statement<User>(
  'user-lock-for-session',
  `SELECT ${USER_COLUMNS} FROM users WHERE id = $1 AND password_hash = $2 AND deleted_at IS NULL FOR SHARE`,
);

// UPDATE, the one lock that a foreign key waits for: nobody writes an order or a cart of this guest beside us.
const lockGuest = new Statement<{ id: number }>(
  'user-lock-guest',
  `SELECT id FROM users WHERE id = $1 AND role = 'guest' AND deleted_at IS NULL FOR UPDATE`,
);

const becomeCustomer = new Statement<User>(
  'user-become-customer',
  `UPDATE users SET email = $2, name = $3, role = 'customer', password_hash = $4, updated_at = now()
   WHERE id = $1 AND role = 'guest' AND deleted_at IS NULL RETURNING ${USER_COLUMNS}`,
);

const dropGuest = new Statement('user-drop-guest', `DELETE FROM users WHERE id = $1 AND role = 'guest'`);

// Their tokens say when they were here last: none is issued without a row, and it is there until its time is over.
const dropIdleGuests = new Statement<{ id: number }>(
  'user-drop-idle-guests',
  `DELETE FROM users WHERE id IN (
     SELECT u.id FROM users u
     WHERE u.role = 'guest' AND u.created_at < now() - $1 * interval '1 day'
       AND NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.id)
       AND NOT EXISTS (SELECT FROM refresh_tokens t
                       WHERE t.user_id = u.id AND t.created_at >= now() - $1 * interval '1 day')
     ORDER BY u.created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
   RETURNING id`,
);

// An upsert, because several instances that start together all find that the admin is missing.
const appointAdmin = new Statement<{ id: number }>(
  'user-appoint-admin',
  `INSERT INTO users (email, name, role, password_hash) VALUES ($1, $2, 'admin', $3)
   ON CONFLICT (email) WHERE deleted_at IS NULL
     DO UPDATE SET role = 'admin', password_hash = EXCLUDED.password_hash, updated_at = now()
     WHERE users.role <> 'admin'
   RETURNING id`,
);

const anyAdmin = new Statement(
  'user-any-admin',
  `SELECT id FROM users WHERE role = 'admin' AND deleted_at IS NULL LIMIT 1`,
);

// All of them: two admins who dismiss each other at once would both see the other one stay.
const lockAdmins = new Statement<{ id: number }>(
  'user-lock-admins',
  `SELECT id FROM users WHERE role = 'admin' AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE`,
);

const lock = new Statement<ListedUser>(
  'user-lock',
  `SELECT ${LISTED} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE`,
);

const changeRole = new Statement<ListedUser>(
  'user-change-role',
  `UPDATE users SET role = $2, updated_at = now() WHERE id = $1 RETURNING ${LISTED}`,
);

const remove = new Statement(
  'user-remove',
  'UPDATE users SET deleted_at = now(), updated_at = now() WHERE id = $1',
);

// Guests last. As bigint: a made-up cursor may name an id that no integer can be.
const LAST = '(email IS NULL)::integer';
const ORDERS: Record<UserSort, ListOrder> = {
  newest: { columns: { id: 'bigint' }, descending: true },
  email: { columns: { [LAST]: 'bigint', "coalesce(email, '')": 'text', id: 'bigint' }, descending: false },
  name: { columns: { [LAST]: 'bigint', name: 'text', id: 'bigint' }, descending: false },
};

/** All SQL of the table `users`, but for the lock in `RefreshTokenRepository.lockOwner`. Deleted users are not there. */
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

  async findListed(id: number): Promise<ListedUser | null> {
    return this.database.readFirst(findListed, [id]);
  }

  async findByEmail(email: string): Promise<UserWithPassword | null> {
    return this.database.readFirst(findByEmail, [email]);
  }

  /** The roles of those of these users that there are. */
  async findRoles(ids: number[]): Promise<Map<number, Role>> {
    const rows = await this.database.read(findRoles, [ids]);
    return new Map(rows.map(({ id, role }) => [id, role]));
  }

  /** Keeps the user from being deleted until `tx` ends. @returns null when they are gone, or have another password by now. */
  async lockForSession({ id, password_hash }: UserWithPassword, tx: Tx): Promise<User | null> {
    return lockForSession.first([id, password_hash], tx);
  }

  /**
   * Locks the guest until `tx` ends, waiting for whoever is writing something of theirs; nobody writes any after that. Comes
   * after their orders in the lock order, and before the cart. @returns false when there is no such guest any more.
   */
  async lockGuest(id: number, tx: Tx): Promise<boolean> {
    return (await lockGuest.first([id], tx)) !== null;
  }

  /** Violates `users_email_key` when the e-mail is taken. @returns null when there is no such guest any more. */
  async becomeCustomer(id: number, { email, name, password_hash }: NewUser, tx: Tx): Promise<User | null> {
    return becomeCustomer.first([id, email, name, password_hash], tx);
  }

  /** Removes a locked guest with their sessions. What still refers to them keeps them from going. */
  async dropGuest(id: number, tx: Tx): Promise<void> {
    await dropGuest.run([id], tx);
  }

  /**
   * Removes up to `limit` guests who have ordered nothing and were not here for so many days, with their carts.
   * @returns how many.
   */
  async dropIdleGuests(days: number, limit: number, tx: Tx): Promise<number> {
    return (await dropIdleGuests.run([days, limit], tx)).length;
  }

  /** @returns the id of the user who has become an admin, or null when one with this e-mail is an admin already. */
  async appointAdmin(email: string, name: string, passwordHash: string, tx: Tx): Promise<number | null> {
    return (await appointAdmin.first([email, name, passwordHash], tx))?.id ?? null;
  }

  async anyAdmin(): Promise<boolean> {
    return (await this.database.readFirst(anyAdmin, [])) !== null;
  }

  /** Locks every admin until `tx` ends, by ascending id, and before any single user. @returns their ids. */
  async lockAdmins(tx: Tx): Promise<number[]> {
    return (await lockAdmins.run([], tx)).map(({ id }) => id);
  }

  async lock(id: number, tx: Tx): Promise<ListedUser | null> {
    return lock.first([id], tx);
  }

  /** The user must be locked in `tx`. */
  async changeRole(id: number, role: Role, tx: Tx): Promise<ListedUser> {
    return (await changeRole.first([id, role], tx)) as ListedUser;
  }

  /** The user must be locked in `tx`. The row stays, and so does all that refers to it. */
  async remove(id: number, tx: Tx): Promise<void> {
    await remove.run([id], tx);
  }

  /** One page in the sort's order, beginning after the place that `after` names. */
  async list(filter: UserFilter, sort: UserSort, after: Keyset | null, limit: number): Promise<ListedUser[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const conditions = conditionsOf(filter, bind);
    if (after) conditions.push(beyond(ORDERS[sort], after, bind));
    const text = `SELECT ${LISTED} FROM users WHERE ${conditions.join(' AND ')}
      ORDER BY ${orderBy(ORDERS[sort])} LIMIT ${bind(limit)}`;
    return this.database.read(unnamed<ListedUser>(text), values);
  }

  async count(filter: UserFilter): Promise<number> {
    const values: unknown[] = [];
    const conditions = conditionsOf(filter, (value) => `$${values.push(value)}`);
    const text = `SELECT count(*) AS total FROM users WHERE ${conditions.join(' AND ')}`;
    return (await this.database.readFirst(unnamed<{ total: number }>(text), values))?.total ?? 0;
  }
}

/** Only fixed texts and placeholders: whatever a client has sent is bound. */
function conditionsOf({ q, role }: UserFilter, bind: Bind): string[] {
  const conditions = ['deleted_at IS NULL'];
  if (q !== undefined) {
    const part = bind(q);
    conditions.push(`(strpos(email, ${part}) > 0 OR strpos(lower(name), ${part}) > 0)`);
  }
  if (role !== undefined) conditions.push(`role = ${bind(role)}`);
  return conditions;
}
