import { Injectable, Logger } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeUuidCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { EventConsumers, queueOf } from './consumers.js';
import { ConsumerGone, DeadLetterNotFound } from './dead-letter.errors.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import type { DeadLetter, NewDeadLetter } from './dead-letter.types.js';
import type { DeadLettersQuery } from './event.dto.js';
import {
  type DeadLetterPageView,
  type ResolvedDeadLetterView,
  viewOfDeadLetter,
  viewOfResolved,
  viewOfWhole,
  type WholeDeadLetterView,
} from './event.view.js';

/** What consumers could not do, kept until somebody has decided about it. */
@Injectable()
export class DeadLetterService {
  private readonly logger = new Logger(DeadLetterService.name);

  constructor(
    private readonly database: DatabaseService,
    private readonly repository: DeadLetterRepository,
    private readonly consumers: EventConsumers,
    private readonly idempotency: IdempotencyService,
    private readonly jobs: Jobs,
    private readonly trail: AdminActions,
  ) {}

  /** Keeps the events of a job that was given up, each as a letter. Idempotent. */
  async keep(letter: NewDeadLetter): Promise<void> {
    await this.database.transaction((tx) => this.repository.insert(letter, tx));
    this.logger.error(`${letter.consumer} gave up on ${letter.event_ids.join(', ')}: ${letter.error}`);
  }

  /** The open letters, newest or oldest first. */
  async list(query: DeadLettersQuery): Promise<DeadLetterPageView> {
    const order = `dead-letters-${query.sort}-first`;
    const afterId = decodeUuidCursor(order, query.cursor);
    const letters = await this.repository.listOpen(query.sort, afterId, query.limit + 1);
    const { rows, next_cursor } = pageOf(letters, query, viewOfDeadLetter, ({ id }) =>
      encodeCursor(order, [id]),
    );
    const total = query.count ? { total: await this.countOpen() } : {};
    return { dead_letters: rows, next_cursor, ...total };
  }

  /** A letter, resolved or not, with what its event says. @throws DeadLetterNotFound */
  async get(id: string): Promise<WholeDeadLetterView> {
    const letter = await this.repository.find(id);
    if (!letter) throw new DeadLetterNotFound();
    return viewOfWhole(letter);
  }

  /** How many letters wait for somebody. */
  async countOpen(): Promise<number> {
    return this.repository.countOpen();
  }

  /**
   * Hands the event to its consumer again, once: a letter that is resolved already is answered as it is. Should it fail
   * again as often, there will be a new letter.
   * @throws DeadLetterNotFound, ConsumerGone
   */
  async retry(id: string, claim: Claim | null): Promise<Answer<ResolvedDeadLetterView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      const letter = await this.lock(id, tx);
      if (letter.resolution !== null) return viewOfResolved(letter);
      const consumer = this.consumers.find(letter.consumer);
      if (consumer === null) throw new ConsumerGone(letter.consumer);
      if (!(await consumer.resume(letter, tx)))
        await this.jobs.send(queueOf(letter.consumer), { event_ids: [letter.event_id] }, {}, tx);
      return this.resolve(letter, 'retried', tx);
    });
  }

  /** Gives the event up for this consumer. A letter that is resolved already is answered as it is. @throws DeadLetterNotFound */
  async discard(id: string, claim: Claim | null): Promise<Answer<ResolvedDeadLetterView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      const letter = await this.lock(id, tx);
      if (letter.resolution !== null) return viewOfResolved(letter);
      return this.resolve(letter, 'discarded', tx);
    });
  }

  private async lock(id: string, tx: Tx): Promise<DeadLetter> {
    const letter = await this.repository.lock(id, tx);
    if (!letter) throw new DeadLetterNotFound();
    return letter;
  }

  private async resolve(letter: DeadLetter, resolution: 'retried' | 'discarded', tx: Tx) {
    const resolved_at = await this.repository.resolve(letter.id, resolution, tx);
    const { id: entity_id, consumer, event_id } = letter;
    const step = { action: `dead_letter.${resolution}`, entity: 'dead_letter', entity_id } as const;
    await this.trail.record([{ ...step, before: null, after: { consumer, event_id, resolution } }], tx);
    return viewOfResolved({ ...letter, resolution, resolved_at });
  }
}
