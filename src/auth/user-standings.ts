import { Injectable } from '@nestjs/common';
import type { Caller, Role } from '../platform/http/caller.js';
import { RecentlyUsed } from './recently-used.js';
import { UserRepository } from './user.repository.js';

/** For so long a user who was deleted, or whose role was taken away, may still be taken for who they were. */
const REMEMBERED_MS = 1_000;
/** Whoever still calls by then is asked about again, while the answer that is there is still good. */
const RENEWED_AFTER_MS = 500;
const RENEWAL_INTERVAL_MS = 100;
/** A token says in whole seconds when it was issued, and by a clock that may be a little behind ours. */
const ISSUE_TOLERANCE_MS = 2_000;
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
 * question under way at a time, however many users call. Whoever calls all the time never waits: the answers about them are
 * renewed ten times a second, together.
 */
@Injectable()
export class UserStandings {
  private readonly known = new RecentlyUsed<number, Standing>(USERS_MAX);
  private next: Question | null = null;
  private underWay: Promise<unknown> = Promise.resolve();
  private readonly due = new Set<number>();

  constructor(private readonly users: UserRepository) {}

  /**
   * Whether the user has the role that their token says, as far as `roleOf` knows. A token that may be younger than what is
   * known, because another instance has just issued it with the new role, is asked about before it is refused; an older one
   * costs no question, however often it comes.
   */
  async confirm({ id, role }: Caller, issuedAtMs: number): Promise<boolean> {
    if ((await this.roleOf(id)) === role) return true;
    return this.mayBeOlder(id, issuedAtMs) && (await this.ask(id)).get(id) === role;
  }

  private mayBeOlder(id: number, issuedAtMs: number): boolean {
    const ageMs = performance.now() - (this.known.get(id)?.readAtMs ?? Number.NEGATIVE_INFINITY);
    return Date.now() - ageMs < issuedAtMs + ISSUE_TOLERANCE_MS;
  }

  /** The role that the user had at most a second ago, or null when there was no such user. */
  async roleOf(id: number): Promise<Role | null> {
    const standing = this.known.get(id);
    const ageMs = standing ? performance.now() - standing.readAtMs : Number.POSITIVE_INFINITY;
    if (!standing || ageMs >= REMEMBERED_MS) return (await this.ask(id)).get(id) ?? null;
    if (ageMs >= RENEWED_AFTER_MS) this.renewSoon(id);
    return standing.role;
  }

  /** The user has been changed by us: this process asks again at once. */
  forget(id: number): void {
    this.known.set(id, { role: null, readAtMs: Number.NEGATIVE_INFINITY });
  }

  private renewSoon(id: number): void {
    if (this.due.size === 0) setTimeout(() => this.renew(), RENEWAL_INTERVAL_MS).unref();
    this.due.add(id);
  }

  // When that fails, whoever calls next asks and is told.
  private renew(): void {
    for (const id of this.due) this.ask(id).catch(() => undefined);
    this.due.clear();
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
