import { hash } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { configure } from 'safe-stable-stringify';
import { ValidationFailed } from '../errors.js';
import type { CallerRequest } from '../http/caller.js';

/** One client's wish to have one thing done once. */
export interface Claim {
  /**
   * Caller, method, concrete path and key, separated by spaces: none of the first three can hold one. The caller stands
   * first, so that all claims of one caller can be found.
   */
  readonly scope: string;
  /** SHA-256 of the body's JSON value, so that white space and the order of members do not matter. No body is an empty one. */
  readonly bodyHash: Buffer;
}

const VISIBLE_ASCII = /^[\x21-\x7e]{1,255}$/;
const canonical = configure({ deterministic: true, circularValue: Error });

/**
 * The claim that `key` makes on this request.
 * @throws ValidationFailed for an empty or malformed key.
 */
export function claimOf(request: CallerRequest, key: string, body: unknown): Claim {
  assertWellFormed(key);
  request.isClaimed = true;
  const path = request.url.split('?')[0];
  return {
    scope: `${callerOf(request)} ${request.method} ${path} ${key}`,
    bodyHash: hash('sha256', canonical(body ?? {}) as string, 'buffer'),
  };
}

/** @throws ValidationFailed */
export function assertWellFormed(key: string): void {
  if (!VISIBLE_ASCII.test(key)) {
    throw ValidationFailed.of('Idempotency-Key', 'Idempotency-Key must be 1 to 255 visible ASCII characters');
  }
}

// User 7 and API key 7 are two callers.
function callerOf({ caller, apiKey }: CallerRequest): string {
  if (caller) return String(caller.id);
  return apiKey ? `key:${apiKey.id}` : '-';
}

/** The `Idempotency-Key` header as it came, or undefined. */
export function idempotencyKeyOf(request: CallerRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  return Array.isArray(header) ? header.join(',') : header;
}

/** Parameter decorator: the request's claim, or null when it carries no `Idempotency-Key`. */
export const IdempotencyClaim = createParamDecorator(
  (_: unknown, context: ExecutionContext): Claim | null => {
    const request = context.switchToHttp().getRequest<CallerRequest>();
    const key = idempotencyKeyOf(request);
    return key === undefined ? null : claimOf(request, key, request.body);
  },
);
