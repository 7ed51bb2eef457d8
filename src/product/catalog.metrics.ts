import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/observability/metrics.service.js';

export type Shelf = 'list' | 'detail';
export type Outcome = 'hit' | 'miss' | 'shared';

/** How often the catalog answers from memory, and how old what it shows is. */
@Injectable()
export class CatalogMetrics {
  private readonly requests;
  private oldestMs = 0;

  constructor(metrics: Metrics) {
    this.requests = metrics.counter(
      'product_cache_requests_total',
      'Looks at the catalog: at what was kept, at the tables, or at an answer that others were waiting for.',
      ['cache', 'outcome'],
    );
    metrics.gaugeOf(
      'product_cache_lag_seconds',
      'How old the oldest was that was shown of the catalog since this was last asked.',
      () => this.takeOldestMs() / 1_000,
    );
  }

  /** Something was shown that was read from the tables so long ago. */
  noteServed(cache: Shelf, outcome: Outcome, ageMs: number): void {
    this.requests.inc({ cache, outcome });
    if (ageMs > this.oldestMs) this.oldestMs = ageMs;
  }

  private takeOldestMs(): number {
    const oldestMs = this.oldestMs;
    this.oldestMs = 0;
    return oldestMs;
  }
}
