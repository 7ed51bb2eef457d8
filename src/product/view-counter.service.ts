import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { Recurring } from '../platform/recurring.js';
import { ViewCounterRepository } from './view-counter.repository.js';

const WRITE_INTERVAL_MS = 1_000;

/**
 * Counts how often products are looked at: in memory, and into the table once a second, so that a look costs no write. A
 * process that is killed loses what it has counted since; one that is stopped loses nothing.
 */
@Injectable()
export class ViewCounter implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ViewCounter.name);
  private readonly writing = new Recurring('writing down views', WRITE_INTERVAL_MS, () => this.write());
  /** By product: as many as are looked at in a second. */
  private counts = new Map<number, number>();
  private total = 0;

  constructor(
    private readonly database: DatabaseService,
    private readonly repository: ViewCounterRepository,
    metrics: Metrics,
  ) {
    metrics.counterOf('product_views_total', 'Looks at products.', () => this.total);
  }

  onApplicationBootstrap(): void {
    this.writing.start();
  }

  // Only after the server is closed nobody looks any more.
  async onApplicationShutdown(): Promise<void> {
    await this.writing.stop();
    await this.write().catch((error) => this.logger.warn(`views were lost: ${(error as Error).message}`));
  }

  /** Counts one look at a product that is there. */
  count(productId: number): void {
    this.total += 1;
    this.counts.set(productId, (this.counts.get(productId) ?? 0) + 1);
  }

  /** Writes down what was counted since the last time. What could not be written is counted again. */
  async write(): Promise<void> {
    const counts = this.counts;
    if (counts.size === 0) return;
    this.counts = new Map();
    try {
      await this.database.transaction((tx) => this.repository.add(counts, tx));
    } catch (error) {
      for (const [id, views] of counts) this.counts.set(id, (this.counts.get(id) ?? 0) + views);
      throw error;
    }
  }
}
