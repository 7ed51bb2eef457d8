import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import type { DeadLetter } from './dead-letter.types.js';
import type { EventType, StoredEvent } from './event.types.js';

/**
 * Somebody who acts on events. It is told of each at least once, in the background and in no promised order; what it
 * does in `tx` happens once per event, because the row of `event_processing_log` is written in the same transaction.
 */
export abstract class EventConsumer {
  /** Stands in the log, in queues and in dead letters, so it never changes: 1 to 40 of `a-z`, `0-9` and `-`. */
  abstract readonly name: string;

  /** What it can be told. */
  abstract readonly types: readonly EventType[];

  /**
   * Acts on one event, in `tx` alone: the network has no place here. What it throws undoes everything and is tried again,
   * with back-off, until the event becomes a dead letter of this consumer.
   */
  abstract consume(event: StoredEvent, tx: Tx): Promise<void>;

  /**
   * Acts on several events, oldest first, all or none. Worth overriding where one statement can do for many; when it
   * throws, each event is tried again on its own, by `consume`.
   */
  async consumeAll(events: StoredEvent[], tx: Tx): Promise<void> {
    for (const event of events) await this.consume(event, tx);
  }

  /**
   * Which of its types it wants at this moment; asked by the relay once per batch, in the relay's transaction. An event
   * that nobody wants costs no job. A consumer whose subscribers are rows answers from them.
   */
  async wanted(_tx: Tx): Promise<readonly EventType[]> {
    return this.types;
  }

  /**
   * A dead letter is retried. A consumer that goes on in jobs of its own, after it has acted on the event, takes up the one
   * that the letter is of, and no other, in `tx`. @returns false when there is nothing of the kind: then the event itself is
   * handed to it again.
   */
  async resume(_letter: Pick<DeadLetter, 'event_id' | 'job_id'>, _tx: Tx): Promise<boolean> {
    return false;
  }
}

const QUEUE_PREFIX = 'events.';

/** The queue of jobs for a consumer. Each holds the ids of one or more events. */
export const queueOf = (consumer: string) => `${QUEUE_PREFIX}${consumer}`;
/** The consumer of a queue. */
export const consumerOf = (queue: string) => queue.slice(QUEUE_PREFIX.length);

export interface EventJob {
  event_ids: string[];
}

const NAME = /^[a-z0-9-]{1,40}$/;

/** Who consumes. A module registers its consumers in its constructor or `onModuleInit`, before the work begins. */
@Injectable()
export class EventConsumers {
  private readonly byName = new Map<string, EventConsumer>();

  /** @throws Error for a name that is malformed or taken. */
  register(consumer: EventConsumer): void {
    if (!NAME.test(consumer.name)) throw new Error(`"${consumer.name}" is no name for a consumer`);
    if (this.byName.has(consumer.name)) throw new Error(`two consumers are named "${consumer.name}"`);
    this.byName.set(consumer.name, consumer);
  }

  find(name: string): EventConsumer | null {
    return this.byName.get(name) ?? null;
  }

  all(): EventConsumer[] {
    return [...this.byName.values()];
  }
}
