import type { ExecutionContext } from '@nestjs/common';
import type { CallerRequest } from '../http/caller.js';
import { TAKES_IDEMPOTENCY_KEY } from '../http/docs.js';
import { assertWellFormed, idempotencyKeyOf } from './claim.js';

/**
 * Refuses a POST with an empty or malformed `Idempotency-Key` where a key has no effect, too: who sends one believes to be
 * protected by it. What takes a key judges it by itself.
 * @throws ValidationFailed
 */
export function refuseMalformedKey(context: ExecutionContext, request: CallerRequest): void {
  const key = request.method === 'POST' ? idempotencyKeyOf(request) : undefined;
  if (key !== undefined && !takesKey(context)) assertWellFormed(key);
}

const takesKey = (context: ExecutionContext): boolean =>
  Reflect.getMetadata(TAKES_IDEMPOTENCY_KEY, context.getHandler()) === true;
