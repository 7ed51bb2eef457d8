import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Span } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import type { Subject } from '../observability/subject.js';

export type Role = 'guest' | 'customer' | 'admin';

/** Whom the access token names. */
export interface Caller {
  id: number;
  role: Role;
}

/** Another system, by the API key that it calls with. Its ids are not those of users. */
export interface KeyCaller {
  id: number;
  name: string;
}

/**
 * A request that the guard has let through: from a user (`caller`) or, on routes that take keys, from another system
 * (`apiKey`), never both. On public routes without a token it is neither.
 */
export type CallerRequest = FastifyRequest & {
  caller?: Caller;
  apiKey?: KeyCaller;
  /** It names an idempotency key, and the route has looked at it. */
  isClaimed?: boolean;
  /** What the lines of the log about it name. */
  subject?: Subject;
  /** Its span, when it is traced. */
  span?: Span;
};

/** The user whom the guard has found. There is none for an API key, and on public routes without a token. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<CallerRequest>().caller,
);
