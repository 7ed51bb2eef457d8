import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Counter } from 'prom-client';
import { type Observable, tap } from 'rxjs';
import { DomainError } from '../platform/errors.js';
import { Answer } from '../platform/http/answer.js';
import { Metrics } from '../platform/observability/metrics.service.js';

/**
 * Counts what people and other systems do to the stock, by the name of the route's method, once it is decided: `done`,
 * `repeated` for what an idempotency key has done before, the code of a refusal, or `failed`. What the shop's own orders
 * take is counted where they are placed.
 */
@Injectable()
export class StockOperations implements NestInterceptor {
  private readonly operations: Counter<'operation' | 'outcome'>;

  constructor(metrics: Metrics) {
    this.operations = metrics.counter(
      'stock_operations_total',
      'Operations on the stock, and what came of them.',
      ['operation', 'outcome'],
    );
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { method } = context.switchToHttp().getRequest<FastifyRequest>();
    if (method !== 'POST') return next.handle();
    const operation = context.getHandler().name;
    const count = (outcome: string) => this.operations.inc({ operation, outcome });
    return next.handle().pipe(
      tap({
        next: (value) => count(value instanceof Answer && value.replayed ? 'repeated' : 'done'),
        error: (error) => count(error instanceof DomainError ? error.code : 'failed'),
      }),
    );
  }
}
