import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { IdempotencyMetrics } from '../idempotency/idempotency.metrics.js';
import { refuseMalformedKey } from '../idempotency/well-formed-key.js';
import { Answer } from './answer.js';
import type { CallerRequest } from './caller.js';
import { Drain } from './drain.js';
import { RateLimits } from './rate-limit.js';
import { ReadyAnswer } from './ready-answer.js';
import { TimeLimits } from './time-limits.js';
import { refuseUnreadBody } from './unread-body.js';

const NO_ANSWER = { defaultValue: undefined };

/**
 * The way of every request to its route, once it is known who is calling, and back. One interceptor, not one for each step:
 * Nest makes observables and promises of each, and six of them were a fifth of what a request costs.
 */
@Injectable()
export class RequestDoor implements NestInterceptor {
  constructor(
    private readonly time: TimeLimits,
    private readonly drain: Drain,
    private readonly limits: RateLimits,
    private readonly keys: IdempotencyMetrics,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const value = await this.time.within(context, request, () => this.letIn(context, request, next));
    return of(await onTheWire(value, context));
  }

  // A stop waits for its end also when the time is over and the client was told so.
  private async letIn(
    context: ExecutionContext,
    request: CallerRequest,
    next: CallHandler,
  ): Promise<unknown> {
    const leave = this.drain.enter();
    try {
      const guess = await this.limits.count(context, request);
      const answer = this.ask(context, request, next);
      return await (guess ? guess.judgedBy(answer) : answer);
    } finally {
      leave();
    }
  }

  private async ask(context: ExecutionContext, request: CallerRequest, next: CallHandler): Promise<unknown> {
    refuseMalformedKey(context, request);
    refuseUnreadBody(context, request);
    try {
      const value = await lastValueFrom(next.handle(), NO_ANSWER);
      this.keys.countAnswer(request, value);
      return value;
    } catch (error) {
      this.keys.countRefusal(request, error);
      throw error;
    }
  }
}

function onTheWire(value: unknown, context: ExecutionContext): unknown {
  const http = context.switchToHttp();
  if (value instanceof ReadyAnswer) return value.answer(http.getRequest(), http.getResponse());
  if (!(value instanceof Answer)) return value;
  const reply = http.getResponse<FastifyReply>();
  reply.status(value.status);
  if (value.replayed) reply.header('Idempotent-Replayed', 'true');
  return value.body;
}
