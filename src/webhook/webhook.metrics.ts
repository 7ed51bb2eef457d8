import { Injectable } from '@nestjs/common';
import type { Counter, Histogram } from 'prom-client';
import { Metrics } from '../platform/observability/metrics.service.js';
import type { Attempt } from './webhook.types.js';

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What comes of sending events to endpoints. */
@Injectable()
export class WebhookMetrics {
  private readonly seconds: Histogram<'outcome'>;
  private readonly ended: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.seconds = metrics.histogram(
      'webhook_attempt_duration_seconds',
      'Attempts to deliver an event, by the class of the answer; `none` when there was none.',
      SECONDS,
      ['outcome'],
    );
    this.ended = metrics.counter('webhook_deliveries_total', 'Deliveries that have ended, and how.', [
      'outcome',
    ]);
    for (const outcome of ['delivered', 'failed']) this.ended.inc({ outcome }, 0);
  }

  /** An attempt that began at `start` (of `performance.now()`) has come to this. */
  noteAttempt({ response_status }: Attempt, start: number): void {
    const outcome = response_status === null ? 'none' : `${Math.floor(response_status / 100)}xx`;
    this.seconds.observe({ outcome }, (performance.now() - start) / 1_000);
  }

  /** A delivery needs no further attempt, or gets none. */
  noteEnded(outcome: 'delivered' | 'failed'): void {
    this.ended.inc({ outcome });
  }
}
