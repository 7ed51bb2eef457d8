import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Counter } from 'prom-client';
import { type Observable, tap } from 'rxjs';
import { Answer } from '../http/answer.js';
import type { CallerRequest } from '../http/caller.js';
import { Metrics } from '../observability/metrics.service.js';
import { IdempotencyInProgress, IdempotencyKeyReused } from './idempotency.errors.js';

/**
 * Counts what comes of requests with an idempotency key: `new`, `replayed`, or a conflict, `in_progress` or `reused`. What is
 * refused for any other reason leaves no key behind and is not counted.
 */
@Injectable()
export class IdempotencyMetrics implements NestInterceptor {
  private readonly keys: Counter<'outcome'>;

  constructor(metrics: Metrics) {
    this.keys = metrics.counter(
      'idempotency_keys_total',
      'Requests with an idempotency key, and what came of them.',
      ['outcome'],
    );
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const count = (outcome: string) => request.isClaimed && this.keys.inc({ outcome });
    return next.handle().pipe(
      tap({
        next: (value) => count(value instanceof Answer && value.replayed ? 'replayed' : 'new'),
        error: (error) => {
          if (error instanceof IdempotencyInProgress) count('in_progress');
          if (error instanceof IdempotencyKeyReused) count('reused');
        },
      }),
    );
  }
}
