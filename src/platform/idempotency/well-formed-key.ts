import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import type { CallerRequest } from '../http/caller.js';
import { assertWellFormed, idempotencyKeyOf } from './claim.js';

/**
 * Refuses a POST with an empty or malformed `Idempotency-Key`, also where a key has no effect: who sends one believes to be
 * protected by it.
 */
@Injectable()
export class WellFormedKey implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const key = request.method === 'POST' ? idempotencyKeyOf(request) : undefined;
    if (key !== undefined) assertWellFormed(key);
    return next.handle();
  }
}
