import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { currentRequest } from '../platform/http/current-request.js';
import { decodeCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { AdminActionsQuery } from './admin-action.dto.js';
import { type Actor, AdminActionRepository } from './admin-action.repository.js';
import type { AdminActionFilter, NewAdminAction } from './admin-action.types.js';
import type { AdminActionPageView } from './admin-action.view.js';

const NEWEST_FIRST = 'admin-actions-newest-first';

/** Who has changed what by hand: admins, and other systems with a key. What the shop does by itself is told by events. */
@Injectable()
export class AdminActions {
  constructor(private readonly repository: AdminActionRepository) {}

  /**
   * Writes what is being done in the transaction that does it, so neither is ever there without the other. Who does it is
   * whoever has made the request that runs; no request, and it is the service itself. Of a change only what is different
   * before and after is kept. Not idempotent: for what has changed nothing, do not call it.
   */
  async record(actions: NewAdminAction[], tx: Tx): Promise<void> {
    if (actions.length === 0) return;
    const steps = actions.map(({ entity_id, before, after, ...action }) => ({
      ...action,
      entity_id: String(entity_id),
      ...differences(before, after),
    }));
    await this.repository.insert(actor(), steps, tx);
  }

  /** Newest first. `from` is included, `to` is not. */
  async list(query: AdminActionsQuery): Promise<AdminActionPageView> {
    const [before] = decodeCursor(NEWEST_FIRST, ['number'], query.cursor) ?? [null];
    const filter = filterOf(query);
    const actions = await this.repository.list(filter, before as number | null, query.limit + 1);
    const { rows, next_cursor } = pageOf(
      actions,
      query,
      (action) => action,
      ({ id }) => encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count(filter) } : {};
    return { actions: rows, next_cursor, ...total };
  }
}

function actor(): Actor {
  const request = currentRequest();
  return {
    user_id: request?.caller?.id ?? null,
    api_key_id: request?.apiKey?.id ?? null,
    request_id: request?.id ?? null,
  };
}

/** Both without what is the same in both. Pure. */
export function differences(before: object | null, after: object | null) {
  if (before === null || after === null) return { before, after };
  return { before: without(before, after), after: without(after, before) };
}

function without(state: object, other: object): object {
  const others = new Map(Object.entries(other).map(([member, value]) => [member, JSON.stringify(value)]));
  const differs = ([member, value]: [string, unknown]) => JSON.stringify(value) !== others.get(member);
  return Object.fromEntries(Object.entries(state).filter(differs));
}

function filterOf({ entity, entity_id, user, from, to }: AdminActionsQuery): AdminActionFilter {
  return {
    entity: entity ?? null,
    entity_id: entity_id ?? null,
    user_id: user ?? null,
    from: from === undefined ? null : new Date(from),
    to: to === undefined ? null : new Date(to),
  };
}
