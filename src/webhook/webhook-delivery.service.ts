import { Injectable, type OnModuleInit } from '@nestjs/common';
import { v5 } from 'uuid';
import { DeadLetterService } from '../event/dead-letter.service.js';
import { EventService } from '../event/event.service.js';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeUuidCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import type { DeadJob } from '../platform/jobs/jobs.types.js';
import { note } from '../platform/observability/subject.js';
import type { Task } from '../platform/observability/tracing.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { DeliveriesQuery } from './webhook.dto.js';
import { DeliveryFailed, DeliveryNotFound, EndpointInactive, EndpointNotFound } from './webhook.errors.js';
import { WebhookMetrics } from './webhook.metrics.js';
import type { Attempt, Delivery, DeliveryJob, NewDelivery } from './webhook.types.js';
import { type DeliveryPageView, type DeliveryView, viewOfDelivery } from './webhook.view.js';
import { WebhookDeliveryRepository } from './webhook-delivery.repository.js';
import { WebhookEndpointRepository } from './webhook-endpoint.repository.js';
import { type Letter, WebhookSender } from './webhook-sender.js';

const QUEUE = 'webhook-deliveries';
const DEAD_LETTERS = 'webhook-deliveries-dead-letters';
/** The name under which events that could not be delivered become dead letters: that of the consumer. */
const CONSUMER = 'webhooks';
/** An endpoint that lets every call run into its time must not keep the others waiting. */
const SENT_AT_ONCE = 4;
const TIME_LIMIT_SECONDS = 30;
const DELIVERING = { 'messaging.operation.type': 'process', 'messaging.operation.name': 'deliver' };
const KEPT_DAYS = 30;
const BATCH = 1_000;
const NEWEST_FIRST = 'webhook-deliveries';

/** Names a job by what it carries: the one in the queue is forgotten long before its dead letter is. */
const jobIdOf = ({ delivery_id, round }: DeliveryJob) => v5(String(round), delivery_id);

/**
 * Sends events to endpoints: at least once each, again with back-off until one attempt is answered with 2xx, at most
 * `EVENT_MAX_ATTEMPTS` times a round. In no promised order: the body's `timestamp`, and `sequence` where there is one, tell it.
 */
@Injectable()
export class WebhookDeliveryService implements OnModuleInit {
  constructor(
    private readonly repository: WebhookDeliveryRepository,
    private readonly endpoints: WebhookEndpointRepository,
    private readonly sender: WebhookSender,
    private readonly jobs: Jobs,
    private readonly deadLetters: DeadLetterService,
    private readonly events: EventService,
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly config: Config,
    private readonly trail: AdminActions,
    private readonly metrics: WebhookMetrics,
  ) {}

  async onModuleInit(): Promise<void> {
    const { EVENT_MAX_ATTEMPTS, EVENT_RETRY_BASE_MS } = this.config.env;
    await this.jobs.deadLetterQueue<DeliveryJob>(DEAD_LETTERS, (job) => this.giveUp(job));
    await this.jobs.queue<DeliveryJob>(
      QUEUE,
      {
        attemptsMax: EVENT_MAX_ATTEMPTS,
        retryBaseMs: EVENT_RETRY_BASE_MS,
        deadLetterQueue: DEAD_LETTERS,
        timeLimitSeconds: TIME_LIMIT_SECONDS,
        concurrency: SENT_AT_ONCE,
      },
      ({ data }) => this.deliver(data),
    );
    await this.jobs.schedule('webhook-deliveries-retention', '37 3 * * *', (stopping) =>
      this.removeOld(stopping),
    );
  }

  /** Notes deliveries and puts them into the queue, in `tx`. What is noted already is left as it is. */
  async begin(deliveries: NewDelivery[], tx: Tx): Promise<void> {
    if (deliveries.length === 0) return;
    const ids = await this.repository.insertNew(deliveries, tx);
    const jobs: DeliveryJob[] = ids.map((delivery_id) => ({ delivery_id, round: 1 }));
    await this.jobs.sendAll(QUEUE, jobs, tx);
  }

  /**
   * Begins a new round for the one delivery of an event whose dead letter is of this job. What has failed at other endpoints
   * has letters of its own. @returns whether it still stands as it was given up, to an endpoint that is active.
   */
  async beginAgain(eventId: string, jobId: string, tx: Tx): Promise<boolean> {
    const failed = await this.repository.findFailed(eventId, tx);
    const givenUp = failed.find((job) => jobIdOf(job) === jobId);
    const job = givenUp ? await this.repository.reviveFailed(givenUp, tx) : null;
    if (job) await this.jobs.send(QUEUE, job, {}, tx);
    return job !== null;
  }

  /** One attempt, if the delivery still waits for it. @throws DeliveryFailed, and then it is to be tried again. */
  async deliver(job: DeliveryJob): Promise<void> {
    const due = await this.repository.findDue(job);
    if (due === null) return;
    note({ event_id: due.event_id });
    const task: Task = { name: 'deliver webhook', attributes: DELIVERING };
    return this.events.goOn([due.event_id], task, () => this.deliverDue(job, due));
  }

  private async deliverDue(job: DeliveryJob, due: Letter & { active: boolean }): Promise<void> {
    if (!due.active) return this.fail(job, 'the endpoint is switched off');
    const start = performance.now();
    const attempt = await this.sender.post(due);
    this.metrics.noteAttempt(attempt, start);
    await this.note(job, attempt);
    // No more of the address than this: many carry a secret in their path, and this goes into logs.
    if (attempt.error !== null) throw new DeliveryFailed(`${new URL(due.url).origin}: ${attempt.error}`);
  }

  private async note(job: DeliveryJob, attempt: Attempt): Promise<void> {
    await this.database.transaction((tx) => this.repository.note(job, attempt, tx));
    if (attempt.error === null) this.metrics.noteEnded('delivered');
  }

  private async fail(job: DeliveryJob, reason: string | null): Promise<void> {
    await this.database.transaction((tx) => this.repository.fail(job, reason, tx));
    this.metrics.noteEnded('failed');
  }

  private async giveUp({ data, source }: DeadJob<DeliveryJob>): Promise<void> {
    const delivery = await this.repository.findPending(data);
    if (delivery === null) return;
    const { error, attempts } = source;
    // The letter first: cut off in between, this is done again, and a letter is kept once.
    await this.deadLetters.keep({
      job_id: jobIdOf(data),
      event_ids: [delivery.event_id],
      consumer: CONSUMER,
      error,
      attempts,
    });
    await this.fail(data, null);
  }

  /** The deliveries to an endpoint, newest first. @throws EndpointNotFound */
  async list(endpointId: number, query: DeliveriesQuery): Promise<DeliveryPageView> {
    if (!(await this.endpoints.find(endpointId))) throw new EndpointNotFound();
    const before = decodeUuidCursor(NEWEST_FIRST, query.cursor);
    const status = query.status ?? null;
    const deliveries = await this.repository.list(endpointId, status, before, query.limit + 1);
    const { rows, next_cursor } = pageOf(deliveries, query, viewOfDelivery, ({ id }) =>
      encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count(endpointId, status) } : {};
    return { deliveries: rows, next_cursor, ...total };
  }

  /**
   * Sends the very same again, whatever has become of it: 202, and a new round of attempts.
   * @throws DeliveryNotFound, EndpointInactive
   */
  async resend(id: string, claim: Claim | null): Promise<Answer<DeliveryView>> {
    return this.idempotency.once(claim, 202, async (tx) => {
      const active = await this.repository.isToActive(id, tx);
      if (active === null) throw new DeliveryNotFound();
      if (!active) throw new EndpointInactive();
      const { round, ...delivery } = await this.repository.revive(id, tx);
      const step = { action: 'webhook_delivery.resent', entity: 'webhook_delivery', entity_id: id } as const;
      await this.trail.record([{ ...step, before: null, after: { round } }], tx);
      const job: DeliveryJob = { delivery_id: id, round };
      await this.jobs.send(QUEUE, job, {}, tx);
      return viewOfDelivery(delivery as Delivery);
    });
  }

  /** Removes what has ended long ago. Idempotent, and harmless beside another instance's. A stop leaves the rest to the next night. */
  async removeOld(stopping?: AbortSignal): Promise<void> {
    const remove = (tx: Tx) => this.repository.deleteOlderThan(KEPT_DAYS, BATCH, tx);
    while (!stopping?.aborted && (await this.database.transaction(remove)) === BATCH);
  }
}
