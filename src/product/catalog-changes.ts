import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { WorkerNews } from '../platform/worker-news.js';

/** One statement's change of the catalog. */
export interface CatalogChange {
  productIds: number[];
  /**
   * `stock`: nothing but counts. `sold out`: counts as well, one of which has come to nothing or up from it. `whole`: anything
   * else, so that products may stand on other pages now.
   */
  kind: 'stock' | 'sold out' | 'whole';
}

/** What was read of the catalog, and when by the clock of changes. */
export interface Reading {
  readAt: number;
  /** All products that it shows or follows from. */
  productIds: number[];
  /** A page, which other products may come to stand on. */
  isPage: boolean;
  /** A page of what is in stock, or of what is not. */
  isByStock: boolean;
}

const NEWS = 'catalog changed';

/** Bounds the memory of a process that sells a million products: beyond it everything counts as changed, once. */
const REMEMBERED_MAX = 10_000;

/**
 * What this process has changed in the catalog and committed. Whoever remembers something that was read asks here whether it
 * still holds. The clock has no time: it counts changes. A reading is as old as the clock was before its statement was sent,
 * so one that a commit has overtaken is found out, whenever its answer comes.
 */
@Injectable()
export class CatalogChanges {
  private clock = 0;
  private forgottenUntil = 0;
  private pagesChangedAt = 0;
  private soldOutAt = 0;
  private readonly changedAt = new Map<number, number>();

  /** Workers of one machine share its port: what one has changed, the next request may ask another. */
  constructor(private readonly others: WorkerNews) {
    others.hear<CatalogChange>(NEWS, (change) => this.count(change));
  }

  /** Where the clock stands: what is read from now on sees everything that was changed so far. */
  get now(): number {
    return this.clock;
  }

  /**
   * Says that `tx` has changed these products. It counts from the moment of the commit, before whoever has asked for the change
   * is answered; with a COMMIT of which nobody knows whether it came through, it counts as well. What is rolled back never does.
   */
  note(change: CatalogChange, tx: Tx): void {
    if (change.productIds.length === 0) return;
    tx.afterCommit(() => {
      this.count(change);
      this.others.tell(NEWS, change);
    });
  }

  /** Whether nothing that this process has committed since makes the reading an old one. */
  leave({ readAt, productIds, isPage, isByStock }: Reading): boolean {
    if (readAt === this.clock) return true;
    if (readAt < this.forgottenUntil) return false;
    if (isPage && readAt < this.pagesChangedAt) return false;
    if (isByStock && readAt < this.soldOutAt) return false;
    return productIds.every((id) => (this.changedAt.get(id) ?? 0) <= readAt);
  }

  private count({ productIds, kind }: CatalogChange): void {
    this.clock += 1;
    if (kind === 'whole') this.pagesChangedAt = this.clock;
    if (kind === 'sold out') this.soldOutAt = this.clock;
    if (this.changedAt.size + productIds.length > REMEMBERED_MAX) {
      this.changedAt.clear();
      this.forgottenUntil = this.clock;
    }
    for (const id of productIds) this.changedAt.set(id, this.clock);
  }
}
