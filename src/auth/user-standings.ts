import { Injectable } from '@nestjs/common';
import type { Role } from '../platform/http/caller.js';
import { RecentlyUsed } from './recently-used.js';
import { UserRepository } from './user.repository.js';

/** For so long a user who was deleted, or whose role was taken away, may still be taken for who they were. */
const REMEMBERED_MS = 1_000;
const USERS_MAX = 20_000;

interface Standing {
  role: Role | null;
  readAtMs: number;
}

/** Asked for while another question was under way: one statement will answer for all of them. */
interface Question {
  ids: Set<number>;
  roles: Promise<Map<number, Role>>;
}

/**
 * What users are now, whatever their tokens say. Asked at every request, so an answer is good for a second, and there is one
 * question under way at a time, however many users call.
 */
@Injectable()
export class UserStandings {
  private readonly known = new RecentlyUsed<number, Standing>(USERS_MAX);
  private next: Question | null = null;
  private underWay: Promise<unknown> = Promise.resolve();

  constructor(private readonly users: UserRepository) {}

  /** The role that the user had at most a second ago, or null when there was no such user. */
  async roleOf(id: number): Promise<Role | null> {
    const standing = this.known.get(id);
    if (standing && performance.now() - standing.readAtMs < REMEMBERED_MS) return standing.role;
    return (await this.ask(id)).get(id) ?? null;
  }

  /** The user has been changed by us: this process asks again at once. */
  forget(id: number): void {
    this.known.set(id, { role: null, readAtMs: Number.NEGATIVE_INFINITY });
  }

  private ask(id: number): Promise<Map<number, Role>> {
    this.next ??= this.begin();
    this.next.ids.add(id);
    return this.next.roles;
  }

  private begin(): Question {
    const ids = new Set<number>();
    const roles = this.underWay.then(() => {
      this.next = null;
      return this.read([...ids]);
    });
    this.underWay = roles.catch(() => undefined);
    return { ids, roles };
  }

  private async read(ids: number[]): Promise<Map<number, Role>> {
    // From before we ask: what changes meanwhile is not older than it looks.
    const readAtMs = performance.now();
    const roles = await this.users.findRoles(ids);
    for (const id of ids) this.known.set(id, { role: roles.get(id) ?? null, readAtMs });
    return roles;
  }
}
