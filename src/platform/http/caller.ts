import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

export type Role = 'guest' | 'customer' | 'admin';

/** Whom the access token names. */
export interface Caller {
  id: number;
  role: Role;
}

/** A request that the guard has let through; `caller` is missing on public routes without a token. */
export type CallerRequest = FastifyRequest & { caller?: Caller };

/** The caller that the guard has found. On public routes without a token there is none. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<CallerRequest>().caller,
);
