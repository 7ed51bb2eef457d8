import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/observability/metrics.service.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { EventRepository } from './event.repository.js';

/** What waits to be handed on, and what was given up. */
@Injectable()
export class EventMetrics {
  constructor(metrics: Metrics, events: EventRepository, deadLetters: DeadLetterRepository) {
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
}
