import { Injectable } from '@nestjs/common';
import type { Counter, Histogram } from 'prom-client';
import { DomainError } from '../platform/errors.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { InsufficientStock } from './inventory.errors.js';

/** Who wants goods held: an order of the shop's own, or another system. */
type Origin = 'shop' | 'external';

const OUTCOMES = ['created', 'repeated', 'insufficient_stock', 'refused', 'failed'] as const;
/** `refused` is the client's own doing, `failed` is ours; `repeated` had been held before. */
export type RequestOutcome = (typeof OUTCOMES)[number];

const SECONDS = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

// Made once: every order comes through here.
const LABELS = { shop: labelsOf('shop'), external: labelsOf('external') };

/** Counts and times the requests to hold goods, whoever makes them, by what they come to. */
@Injectable()
export class ReservationRequests {
  private readonly requests: Counter<'origin' | 'outcome'>;
  private readonly seconds: Histogram<'origin'>;

  constructor(metrics: Metrics) {
    this.requests = metrics.counter('reservation_requests_total', 'Requests to hold goods.', [
      'origin',
      'outcome',
    ]);
    this.seconds = metrics.histogram(
      'reservation_duration_seconds',
      'From the wish for goods to the answer, the wait for a batch included.',
      SECONDS,
      ['origin'],
    );
    for (const { origin, outcomes } of Object.values(LABELS)) {
      this.seconds.zero(origin);
      for (const labels of Object.values(outcomes)) this.requests.inc(labels, 0);
    }
  }

  /** Watches a request that has just been made. @returns, or throws, whatever comes of it. */
  async watch<T>(origin: Origin, answer: Promise<T>, outcomeOf: (answer: T) => RequestOutcome): Promise<T> {
    const start = performance.now();
    try {
      const value = await answer;
      this.note(origin, outcomeOf(value), start);
      return value;
    } catch (error) {
      this.note(origin, outcomeOfError(error), start);
      throw error;
    }
  }

  private note(origin: Origin, outcome: RequestOutcome, start: number): void {
    const labels = LABELS[origin];
    this.requests.inc(labels.outcomes[outcome]);
    this.seconds.observe(labels.origin, (performance.now() - start) / 1_000);
  }
}

function labelsOf(origin: Origin) {
  const outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, { origin, outcome }]));
  return {
    origin: { origin },
    outcomes: outcomes as Record<RequestOutcome, { origin: Origin; outcome: string }>,
  };
}

/** What it means to who wanted goods that there is an error in their place. */
export function outcomeOfError(error: unknown): RequestOutcome {
  if (error instanceof InsufficientStock) return 'insufficient_stock';
  return error instanceof DomainError && error.kind !== 'unavailable' ? 'refused' : 'failed';
}
