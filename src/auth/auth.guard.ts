import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Forbidden } from '../platform/errors.js';
import type { Caller, CallerRequest, Role } from '../platform/http/caller.js';
import { IS_PUBLIC } from '../platform/http/public.js';
import { AccessTokens } from './access-token.js';
import { TokenInvalid, Unauthenticated } from './auth.errors.js';
import { ROLES, roleNeeded } from './roles.js';

const LEADS_TO_TOKEN = 'holdfast:leads-to-token';

/**
 * A public route by which one gets a fresh token: a stale one, which clients go on sending with every request, is
 * overlooked there, since it would keep out exactly those who come to replace it.
 */
export const LeadsToToken = () => SetMetadata(LEADS_TO_TOKEN, true);

/**
 * Finds out who is calling, on every route. Who is not known gets no further than the public ones, and only the named
 * roles get to those under `@Roles`. A token that is there must be good, also where none is needed: who believes to be
 * logged in must not be taken for a stranger in silence.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly accessTokens: AccessTokens,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const stated = <T>(key: string) =>
      this.reflector.getAllAndOverride<T | undefined>(key, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<CallerRequest>();
    request.caller = this.callerOf(request.headers.authorization, stated<boolean>(LEADS_TO_TOKEN));
    const roles = stated<Role[]>(ROLES);
    const isPublic = roles === undefined && stated<boolean>(IS_PUBLIC);
    if (!isPublic) admit(request.caller, roles);
    return true;
  }

  private callerOf(authorization = '', overlooksBad = false): Caller | undefined {
    const [scheme, token, ...rest] = authorization.trim().split(/ +/);
    // Other schemes are not for us: a proxy in front of us may ask for a password of its own.
    if (scheme?.toLowerCase() !== 'bearer') return undefined;
    try {
      if (token === undefined || rest.length > 0) throw new TokenInvalid('access token');
      return this.accessTokens.verify(token);
    } catch (error) {
      if (overlooksBad && error instanceof TokenInvalid) return undefined;
      throw error;
    }
  }
}

function admit(caller: Caller | undefined, roles: Role[] | undefined): void {
  if (caller === undefined) throw new Unauthenticated();
  if (roles !== undefined && !roles.includes(caller.role)) throw new Forbidden(roleNeeded(roles));
}
