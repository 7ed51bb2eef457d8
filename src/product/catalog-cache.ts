import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config } from '../platform/config/config.js';
import { ReadyAnswer } from '../platform/http/ready-answer.js';
import { CatalogMetrics, type Outcome, type Shelf } from './catalog.metrics.js';
import { CatalogChanges, type Reading } from './catalog-changes.js';

const BYTES_MAX = 16_777_216;
/** What an entry takes besides its bytes, about. */
const ENTRY_BYTES = 1_000;

/** What is asked of the catalog. The key says all that the answer depends on, who may see it among that. */
export interface CatalogQuestion extends Pick<Reading, 'isPage' | 'isByStock'> {
  shelf: Shelf;
  key: string;
}

/** What the tables say to it. Null: there is no such thing. */
export interface CatalogFinding extends Pick<Reading, 'productIds'> {
  answer: ReadyAnswer | null;
}

interface Kept extends CatalogFinding, Reading {
  /** When its statement was sent: it is no younger than that. */
  sinceMs: number;
}

interface UnderWay {
  readAt: number;
  kept: Promise<Kept>;
}

/**
 * Keeps what was answered for `PRODUCT_CACHE_MS`, so that a page that everybody looks at is read once a second and not once a
 * look. Who asks for what is being read already shares that answer. What this process has committed is shown at once:
 * `CatalogChanges` says what does not hold any more. Other instances' changes show when the time is over.
 */
@Injectable()
export class CatalogCache {
  private readonly kept = new LRUCache<string, Kept>({
    maxSize: BYTES_MAX,
    // With room for its compressed forms.
    sizeCalculation: ({ answer, productIds }) =>
      ENTRY_BYTES + 8 * productIds.length + 2 * (answer?.bytes.length ?? 0),
  });
  private readonly underWay = new Map<string, UnderWay>();
  private readonly keptMs: number;

  constructor(
    private readonly changes: CatalogChanges,
    private readonly metrics: CatalogMetrics,
    { env }: Config,
  ) {
    this.keptMs = env.PRODUCT_CACHE_MS;
  }

  /** The answer to the question, from the tables or as they said it a moment ago. What `read` throws is not kept. */
  async answer(question: CatalogQuestion, read: () => Promise<CatalogFinding>): Promise<ReadyAnswer | null> {
    const { shelf, key } = question;
    const kept = this.kept.get(key);
    if (kept && performance.now() - kept.sinceMs < this.keptMs && this.changes.leave(kept))
      return this.serve(shelf, 'hit', kept);
    const running = this.underWay.get(key);
    // One that began before a change would show what was before it, to somebody who may come because of it.
    if (running?.readAt === this.changes.now) return this.serve(shelf, 'shared', await running.kept);
    return this.serve(shelf, 'miss', await this.begin(question, read));
  }

  private async begin(question: CatalogQuestion, read: () => Promise<CatalogFinding>): Promise<Kept> {
    const { key } = question;
    const running = { readAt: this.changes.now, kept: this.read(question, read) };
    if (this.keptMs > 0) this.underWay.set(key, running);
    try {
      const kept = await running.kept;
      if (this.keptMs > 0) this.keep(key, kept);
      return kept;
    } finally {
      if (this.underWay.get(key) === running) this.underWay.delete(key);
    }
  }

  private async read(
    { isPage, isByStock }: CatalogQuestion,
    read: () => Promise<CatalogFinding>,
  ): Promise<Kept> {
    // From before it is asked: what changes meanwhile is not older than it looks.
    const asked = { readAt: this.changes.now, sinceMs: performance.now(), isPage, isByStock };
    return { ...asked, ...(await read()) };
  }

  // Not what a commit has overtaken, nor over what was read later.
  private keep(key: string, kept: Kept): void {
    const there = this.kept.peek(key);
    if (this.changes.leave(kept) && !(there && there.sinceMs > kept.sinceMs)) this.kept.set(key, kept);
  }

  private serve(shelf: Shelf, outcome: Outcome, { answer, sinceMs }: Kept): ReadyAnswer | null {
    this.metrics.noteServed(shelf, outcome, performance.now() - sinceMs);
    return answer;
  }
}
