import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { ChangeStorefront, CreateStorefront } from './storefront.dto.js';
import { StorefrontNotEmpty, StorefrontNotFound } from './storefront.errors.js';
import { StorefrontRepository } from './storefront.repository.js';
import type { Storefront } from './storefront.types.js';
import type { StorefrontPageView, StorefrontView } from './storefront.view.js';

const BY_ID = 'storefronts';

/** The shops of sellers. */
@Injectable()
export class StorefrontService {
  constructor(
    private readonly repository: StorefrontRepository,
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly trail: AdminActions,
  ) {}

  /** Opens a storefront, without products. Once for one claim. */
  async create(wish: CreateStorefront, claim: Claim | null): Promise<Answer<StorefrontView>> {
    return this.idempotency.once(claim, 201, async (tx) => {
      const made = await this.repository.insert(wish, tx);
      await this.note('opened', null, made, tx);
      return made;
    });
  }

  /** By id. */
  async list(query: PageQuery): Promise<StorefrontPageView> {
    const after = decodeCursor(BY_ID, ['number'], query.cursor);
    const found = await this.repository.list(Number(after?.[0] ?? 0), query.limit + 1);
    const { rows, next_cursor } = pageOf(
      found,
      query,
      (storefront) => storefront,
      ({ id }) => encodeCursor(BY_ID, [id]),
    );
    const total = query.count ? { total: await this.repository.count() } : {};
    return { storefronts: rows, next_cursor, ...total };
  }

  /** @throws StorefrontNotFound */
  async get(id: number): Promise<StorefrontView> {
    return found(await this.repository.find(id));
  }

  /** Changes what is named. @throws StorefrontNotFound */
  async change(id: number, wish: ChangeStorefront): Promise<StorefrontView> {
    return this.database.transaction(async (tx) => {
      const before = found(await this.repository.lock(id, tx));
      const after = found(await this.repository.change(id, wish, tx));
      await this.note('changed', before, after, tx);
      return after;
    });
  }

  /**
   * Closes a storefront for good. Waits for those who are putting a product into it.
   * @throws StorefrontNotEmpty while it has products, StorefrontNotFound, also for one that is deleted already.
   */
  async remove(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const before = found(await this.repository.lock(id, tx));
      if (await this.repository.hasProducts(id, tx)) throw new StorefrontNotEmpty();
      await this.repository.archive(id, tx);
      await this.note('closed', before, null, tx);
    });
  }

  private async note(
    done: 'opened' | 'changed' | 'closed',
    before: Storefront | null,
    after: Storefront | null,
    tx: Tx,
  ): Promise<void> {
    const entity_id = (after ?? before)?.id as number;
    const step = { action: `storefront.${done}`, entity: 'storefront', entity_id } as const;
    await this.trail.record([{ ...step, before, after }], tx);
  }

  /**
   * Keeps these storefronts from being deleted until the caller's `tx` ends. To be called before products are locked.
   * @returns those that are there.
   */
  async keep(ids: number[], tx: Tx): Promise<Set<number>> {
    return new Set(ids.length > 0 ? await this.repository.keep(ids, tx) : []);
  }

  /** `keep` for one that has to be there, or none. @throws StorefrontNotFound */
  async require(id: number | null, tx: Tx): Promise<void> {
    if (id !== null && !(await this.keep([id], tx)).has(id)) throw new StorefrontNotFound();
  }
}

function found(storefront: Storefront | null): Storefront {
  if (!storefront) throw new StorefrontNotFound();
  return storefront;
}
