import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { Answer } from '../http/answer.js';
import type { CallerRequest } from '../http/caller.js';
import { Metrics } from '../observability/metrics.service.js';
import { IdempotencyInProgress, IdempotencyKeyReused } from './idempotency.errors.js';

const NEW = { outcome: 'new' };
const REPLAYED = { outcome: 'replayed' };

/**
 * Counts what comes of requests with an idempotency key: `new`, `replayed`, or a conflict, `in_progress` or `reused`. What is
 * refused for any other reason leaves no key behind and is not counted.
 */
@Injectable()
export class IdempotencyMetrics {
  private readonly keys: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.keys = metrics.counter(
      'idempotency_keys_total',
      'Requests with an idempotency key, and what came of them.',
      ['outcome'],
    );
  }

  countAnswer({ isClaimed }: CallerRequest, answer: unknown): void {
    if (isClaimed) this.keys.inc(answer instanceof Answer && answer.replayed ? REPLAYED : NEW);
  }

  countRefusal({ isClaimed }: CallerRequest, error: unknown): void {
    if (!isClaimed) return;
    if (error instanceof IdempotencyInProgress) this.keys.inc({ outcome: 'in_progress' });
    if (error instanceof IdempotencyKeyReused) this.keys.inc({ outcome: 'reused' });
  }
}
