import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Counter, Histogram } from 'prom-client';
import { type Observable, tap } from 'rxjs';
import { DomainError } from '../platform/errors.js';
import { Answer } from '../platform/http/answer.js';
import { Money } from '../platform/money.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { StockRepository } from './stock.repository.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30];
/** They are read from all products, so not often. */
const LEVELS_KEPT_MS = 60_000;

/**
 * Counts and times what people and other systems do to the stock, by the name of the route's method, once it is decided: `done`,
 * `repeated` for what an idempotency key has done before, the code of a refusal, or `failed`. What the shop's own orders
 * take is counted where they are placed.
 */
@Injectable()
export class StockOperations implements NestInterceptor {
  private readonly operations: Counter<'operation' | 'outcome'>;
  private readonly seconds: Histogram<'operation'>;

  constructor(metrics: Metrics) {
    this.operations = metrics.counter(
      'stock_operations_total',
      'Operations on the stock, and what came of them.',
      ['operation', 'outcome'],
    );
    this.seconds = metrics.histogram(
      'stock_operation_duration_seconds',
      'How long operations on the stock take, refused ones as well.',
      SECONDS,
      ['operation'],
    );
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { method } = context.switchToHttp().getRequest<FastifyRequest>();
    if (method !== 'POST') return next.handle();
    const operation = context.getHandler().name;
    const start = performance.now();
    const count = (outcome: string) => {
      this.operations.inc({ operation, outcome });
      this.seconds.observe({ operation }, (performance.now() - start) / 1_000);
    };
    return next.handle().pipe(
      tap({
        next: (value) => count(value instanceof Answer && value.replayed ? 'repeated' : 'done'),
        error: (error) => count(error instanceof DomainError ? error.code : 'failed'),
      }),
    );
  }
}

/** What there is to sell, as `GET /inventory/summary` counts it. */
@Injectable()
export class StockLevels {
  constructor(metrics: Metrics, stock: StockRepository, money: Money) {
    metrics.gaugesFromTables(
      {
        products_low_stock: 'Products at or below their threshold, those out of stock among them.',
        products_out_of_stock: 'Products of which there is nothing to sell.',
        stock_units: 'Pieces that can be sold.',
        stock_value: 'What they would sell for, in the currency of the shop.',
      },
      async () => {
        const { low_stock, out_of_stock, units, stock_value_minor } = await stock.measureLevels();
        return {
          products_low_stock: low_stock,
          products_out_of_stock: out_of_stock,
          stock_units: units,
          stock_value: money.majorOf(Number(stock_value_minor)),
        };
      },
      LEVELS_KEPT_MS,
    );
  }
}
