import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import { HealthService } from '../platform/observability/health.service.js';
import { Recurring } from '../platform/recurring.js';
import { EventConsumers, queueOf } from './consumers.js';
import { EventMetrics } from './event.metrics.js';
import { EventRepository, type Undispatched } from './event.repository.js';

/**
 * How often it looks. It is not told of commits: at ten or a hundred transactions a second that would make as many small
 * batches, each with its own commit, where one of many events costs the orders next to nothing.
 */
const INTERVAL_MS = 250;
/** How many events one transaction hands on, and so one job carries. Measured: at 100 an event costs its consumer twice as much. */
const BATCH = 500;
const LATE_AFTER_MS = 60_000;

/**
 * Hands committed events on: one job a batch for each consumer that wants any of it, in the transaction in which they cease to be
 * undispatched. Several processes share the work, and none waits for another.
 */
@Injectable()
export class RelayService implements BeforeApplicationShutdown {
  private readonly relaying = new Recurring('the relay of events', INTERVAL_MS, (stopping) =>
    this.relayAll(stopping),
  );

  constructor(
    private readonly database: DatabaseService,
    private readonly repository: EventRepository,
    private readonly consumers: EventConsumers,
    private readonly jobs: Jobs,
    private readonly metrics: EventMetrics,
    health: HealthService,
  ) {
    health.watch('outbox', async () => ((await repository.isOldestLate(LATE_AFTER_MS)) ? 'degraded' : 'up'));
  }

  /** From now on events are handed on. The queues of all consumers must be open. */
  start(): void {
    this.relaying.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.relaying.stop();
  }

  /** Hands on all that is committed, in batches; stops after the one that is under way when the service does. */
  async relayAll(stopping?: AbortSignal): Promise<void> {
    if (!(await this.repository.hasUndispatched())) return;
    while (!stopping?.aborted && (await this.relayBatch()) === BATCH);
  }

  private async relayBatch(): Promise<number> {
    let claimed: Undispatched[] = [];
    try {
      await this.database.transaction(async (tx) => {
        claimed = await this.repository.claimUndispatched(BATCH, tx);
        await this.handOn(claimed, tx);
      });
    } catch (error) {
      this.metrics.noteRelayFailure(claimed.length);
      throw error;
    }
    this.metrics.noteRelayed(claimed.length);
    return claimed.length;
  }

  private async handOn(events: Undispatched[], tx: Tx): Promise<void> {
    if (events.length === 0) return;
    for (const consumer of this.consumers.all()) {
      const wanted = new Set(await consumer.wanted(tx));
      const ids = events.filter(({ type }) => wanted.has(type)).map(({ event_id }) => event_id);
      if (ids.length > 0) await this.jobs.send(queueOf(consumer.name), { event_ids: ids }, {}, tx);
    }
  }
}
