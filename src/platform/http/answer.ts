import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import { ReadyAnswer } from './ready-answer.js';

/** An answer whose status the business decides, e.g. 200 or 202 for a checkout. Anything else is answered with the route's own status. */
export class Answer<T> {
  constructor(
    readonly status: number,
    readonly body: T,
    /** This is what an earlier call with the same idempotency key was answered. */
    readonly replayed = false,
  ) {}
}

/** Puts an `Answer` or a `ReadyAnswer` on the wire. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      map((value) => {
        if (value instanceof ReadyAnswer) {
          const http = context.switchToHttp();
          // Its bytes, or the promise of them: Nest waits for either.
          return value.answer(http.getRequest(), http.getResponse());
        }
        if (!(value instanceof Answer)) return value;
        const reply = context.switchToHttp().getResponse<FastifyReply>();
        reply.status(value.status);
        if (value.replayed) reply.header('Idempotent-Replayed', 'true');
        return value.body;
      }),
    );
  }
}
