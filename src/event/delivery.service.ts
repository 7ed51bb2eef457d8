import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import type { DeadJob, Job } from '../platform/jobs/jobs.types.js';
import { note } from '../platform/observability/subject.js';
import { consumerOf, type EventConsumer, EventConsumers, type EventJob, queueOf } from './consumers.js';
import { DeadLetterService } from './dead-letter.service.js';
import { EventMetrics } from './event.metrics.js';
import { EventRepository } from './event.repository.js';
import { EventService } from './event.service.js';
import { RelayService } from './relay.service.js';

const DEAD_LETTERS = 'events-dead-letters';
const PROCESSING = { 'messaging.operation.type': 'process', 'messaging.operation.name': 'process' };

/** Works on the jobs that the relay has made: each event's effect on a consumer happens once. */
@Injectable()
export class DeliveryService implements OnApplicationBootstrap {
  private readonly logger = new Logger(DeliveryService.name);

  constructor(
    private readonly database: DatabaseService,
    private readonly repository: EventRepository,
    private readonly events: EventService,
    private readonly consumers: EventConsumers,
    private readonly relay: RelayService,
    private readonly deadLetters: DeadLetterService,
    private readonly jobs: Jobs,
    private readonly config: Config,
    private readonly metrics: EventMetrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.jobs.deadLetterQueue<EventJob>(DEAD_LETTERS, (job) => this.bury(job));
    for (const consumer of this.consumers.all()) {
      await this.jobs.queue<EventJob>(
        queueOf(consumer.name),
        {
          attemptsMax: this.config.env.EVENT_MAX_ATTEMPTS,
          retryBaseMs: this.config.env.EVENT_RETRY_BASE_MS,
          deadLetterQueue: DEAD_LETTERS,
        },
        (job) => this.deliver(consumer, job),
      );
    }
    this.relay.start();
  }

  /**
   * Lets the consumer act on the events of a job: on all in one transaction, or, when that fails, on each in a job of its
   * own, so that a bad one harms no neighbour and has its own tries and back-off.
   */
  async deliver(
    consumer: EventConsumer,
    { data, attempt }: Pick<Job<EventJob>, 'data' | 'attempt'>,
  ): Promise<void> {
    const ids = data.event_ids;
    const [only, ...others] = ids;
    note({ consumer: consumer.name, ...(others.length === 0 ? { event_id: only } : {}) });
    if (ids.length === 1) return this.consume(consumer, ids, 'failed');
    // A second attempt at many: the first was cut off before it could part them.
    if (attempt > 1) return this.part(consumer, ids);
    try {
      await this.consume(consumer, ids, 'parted');
    } catch (error) {
      this.logger.warn(
        `${consumer.name} failed at ${ids.length} events, each is tried alone: ${(error as Error).message}`,
      );
      await this.part(consumer, ids);
    }
  }

  private async consume(
    consumer: EventConsumer,
    ids: string[],
    whenItFails: 'failed' | 'parted',
  ): Promise<void> {
    const queue = queueOf(consumer.name);
    const attributes = { ...PROCESSING, 'messaging.destination.subscription.name': queue };
    const start = performance.now();
    try {
      await this.events.goOn(ids, { name: `process ${queue}`, attributes }, () =>
        this.database.transaction((tx) => this.consumeIn(consumer, ids, tx)),
      );
    } catch (error) {
      this.metrics.noteConsumed(consumer.name, whenItFails, ids.length, start);
      throw error;
    }
    this.metrics.noteConsumed(consumer.name, 'done', ids.length, start);
  }

  private async consumeIn(consumer: EventConsumer, ids: string[], tx: Tx): Promise<void> {
    const fresh = await this.repository.claimForConsumer(ids, consumer.name, tx);
    const [first, ...others] = fresh;
    if (first === undefined) return;
    if (others.length > 0) return consumer.consumeAll(fresh, tx);
    const { order_id } = first.data;
    if (typeof order_id === 'string') note({ order_id });
    await consumer.consume(first, tx);
  }

  private async part(consumer: EventConsumer, ids: string[]): Promise<void> {
    await this.database.transaction((tx) =>
      this.jobs.sendAll(
        queueOf(consumer.name),
        ids.map((id) => ({ event_ids: [id] })),
        tx,
      ),
    );
  }

  private async bury({ data, source }: DeadJob<EventJob>): Promise<void> {
    await this.deadLetters.keep({
      job_id: source.id,
      event_ids: data.event_ids,
      consumer: consumerOf(source.queue),
      error: source.error,
      attempts: source.attempts,
    });
  }
}
