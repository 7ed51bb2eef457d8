import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { decodeCursor, encodeCursor, type Keyset, type KeysetKind, pageOf } from '../platform/http/page.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { LastAdmin, UserIsGuest, UserNotFound } from './auth.errors.js';
import type { ListedUser, UserSort } from './auth.types.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';
import type { ChangeUserDto, UserPageView, UsersQuery } from './user.dto.js';
import { UserRepository } from './user.repository.js';
import { UserStandings } from './user-standings.js';

/** Users as admins see and change them. There always is an admin left. */
@Injectable()
export class UserService {
  constructor(
    private readonly database: DatabaseService,
    private readonly repository: UserRepository,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly standings: UserStandings,
    private readonly trail: AdminActions,
  ) {}

  /** Everybody who is not deleted, newest first unless another sort is asked for. */
  async list(query: UsersQuery): Promise<UserPageView> {
    const { sort, role } = query;
    const after = decodeCursor(sort, CURSORS[sort].kinds, query.cursor);
    const filter = { q: query.q?.toLowerCase(), role };
    const users = await this.repository.list(filter, sort, after, query.limit + 1);
    const { rows, next_cursor } = pageOf(
      users,
      query,
      (user) => user,
      (user) => encodeCursor(sort, CURSORS[sort].placeOf(user)),
    );
    const total = query.count ? { total: await this.repository.count(filter) } : {};
    return { users: rows, next_cursor, ...total };
  }

  /** @throws UserNotFound */
  async get(id: number): Promise<ListedUser> {
    const user = await this.repository.findListed(id);
    if (user === null) throw new UserNotFound();
    return user;
  }

  /**
   * Gives the user another role. Their access tokens, which say the old one, are refused from then on (by other instances
   * within a second); a refresh gives them one that says the new. Idempotent. @throws UserNotFound, UserIsGuest, LastAdmin
   */
  async changeRole(id: number, { role }: ChangeUserDto): Promise<ListedUser> {
    const changed = await this.database.transaction(async (tx) => {
      const user = await this.lockDispensable(id, role === 'admin', tx);
      if (user.role === 'guest') throw new UserIsGuest();
      if (user.role === role) return user;
      const after = await this.repository.changeRole(id, role, tx);
      const action = { action: 'user.role_changed', entity: 'user', entity_id: id } as const;
      await this.trail.record([{ ...action, before: { role: user.role }, after: { role } }], tx);
      return after;
    });
    this.standings.forget(id);
    return changed;
  }

  /**
   * Deletes the user: they are logged out, and their access tokens are refused from then on (by other instances within a
   * second). Their orders stay as they are; their e-mail may register again. @throws UserNotFound, LastAdmin
   */
  async remove(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const { email, name, role } = await this.lockDispensable(id, false, tx);
      await this.repository.remove(id, tx);
      await this.refreshTokens.revokeAll(id, tx);
      const action = { action: 'user.removed', entity: 'user', entity_id: id } as const;
      await this.trail.record([{ ...action, before: { email, name, role }, after: null }], tx);
    });
    this.standings.forget(id);
  }

  /** Locks the user, after all admins. @throws UserNotFound; LastAdmin unless they stay one, or another one does. */
  private async lockDispensable(id: number, staysAdmin: boolean, tx: Tx): Promise<ListedUser> {
    const admins = await this.repository.lockAdmins(tx);
    const user = await this.repository.lock(id, tx);
    if (user === null) throw new UserNotFound();
    if (!staysAdmin && user.role === 'admin' && !admins.some((admin) => admin !== id)) throw new LastAdmin();
    return user;
  }
}

/** What a cursor holds in each order: the values of the columns that it sorts by. */
const CURSORS: Record<UserSort, { kinds: KeysetKind[]; placeOf(user: ListedUser): Keyset }> = {
  newest: { kinds: ['number'], placeOf: ({ id }) => [id] },
  email: {
    kinds: ['number', 'string', 'number'],
    placeOf: ({ email, id }) => [isLast(email), email ?? '', id],
  },
  name: {
    kinds: ['number', 'string', 'number'],
    placeOf: ({ email, name, id }) => [isLast(email), name, id],
  },
};

const isLast = (email: string | null) => (email === null ? 1 : 0);
