import { Injectable } from '@nestjs/common';
import type { Counter, Histogram } from 'prom-client';
import { JobsRepository } from '../platform/jobs/jobs.repository.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { EventConsumers, queueOf } from './consumers.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { EventRepository } from './event.repository.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** `parted`: the events of a job that failed at many, each of which is then tried alone. */
export type Consumption = 'done' | 'failed' | 'parted';

/** What waits to be handed on and to be acted on, what came of it, and what was given up. */
@Injectable()
export class EventMetrics {
  private readonly relayed: Counter;
  private readonly relayFailures: Counter;
  private readonly consumed: Counter<'consumer' | 'outcome'>;
  private readonly seconds: Histogram<'consumer'>;

  constructor(
    metrics: Metrics,
    events: EventRepository,
    deadLetters: DeadLetterRepository,
    consumers: EventConsumers,
    jobs: JobsRepository,
  ) {
    this.relayed = metrics.counter('events_relayed_total', 'Events that were handed on to their consumers.');
    this.relayFailures = metrics.counter('event_relay_failures_total', 'Events that could not be handed on.');
    this.consumed = metrics.counter('events_consumed_total', 'Events that a consumer was told of.', [
      'consumer',
      'outcome',
    ]);
    this.seconds = metrics.histogram(
      'event_consumption_duration_seconds',
      'How long a consumer takes to act on what a job hands to it, one event or many.',
      SECONDS,
      ['consumer'],
    );
    declareOutbox(metrics, events, deadLetters);
    declareLag(metrics, consumers, jobs);
  }

  /** A batch of events was handed on. */
  noteRelayed(events: number): void {
    this.relayed.inc(events);
  }

  /** A batch could not be handed on; with 0 it is not known how many it would have been. */
  noteRelayFailure(events: number): void {
    this.relayFailures.inc(Math.max(1, events));
  }

  /** A consumer was told of so many events, and was at it since `start` (of `performance.now()`). */
  noteConsumed(consumer: string, outcome: Consumption, events: number, start: number): void {
    this.consumed.inc({ consumer, outcome }, events);
    this.seconds.observe({ consumer }, (performance.now() - start) / 1_000);
  }
}

function declareOutbox(metrics: Metrics, events: EventRepository, deadLetters: DeadLetterRepository): void {
  metrics.gaugesFromTables(
    {
      outbox_backlog: 'Events that are not handed on yet, counted up to 100,000.',
      outbox_lag_seconds: 'For how long the oldest of them has waited.',
    },
    async () => {
      const { events: outbox_backlog, lag_seconds } = await events.measureBacklog();
      return { outbox_backlog, outbox_lag_seconds: lag_seconds };
    },
  );
  metrics.gaugesFromTables(
    { dead_letters: 'Events that a consumer has given up and nobody has resolved.' },
    async () => ({
      dead_letters: await deadLetters.countOpen(),
    }),
  );
}

function declareLag(metrics: Metrics, consumers: EventConsumers, jobs: JobsRepository): void {
  metrics.gaugesFromTablesBy(
    'consumer',
    {
      event_consumer_lag_seconds: 'For how long the oldest event that was handed on waits for its consumer.',
    },
    async () => {
      const names = consumers.all().map(({ name }) => name);
      const seconds = await jobs.oldestWaiting(names.map(queueOf));
      return new Map(
        names.map((name) => [name, { event_consumer_lag_seconds: seconds.get(queueOf(name)) ?? 0 }]),
      );
    },
  );
}
