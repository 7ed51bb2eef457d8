import {
  applyDecorators,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Forbidden } from '../platform/errors.js';
import type { Caller, CallerRequest, KeyCaller, Role } from '../platform/http/caller.js';
import { OverlooksToken } from '../platform/http/docs.js';
import { IS_PUBLIC, isOfApi } from '../platform/http/public.js';
import { AccessTokens } from './access-token.js';
import { ApiKeyService } from './api-key.service.js';
import { TokenInvalid, Unauthenticated } from './auth.errors.js';
import { ROLES, roleNeeded, USER_NEEDED } from './roles.js';
import { SCOPE, type Scope, scopeNeeded } from './scopes.js';
import { UserStandings } from './user-standings.js';

const LEADS_TO_TOKEN = 'holdfast:leads-to-token';

/**
 * A public route by which one gets a fresh token: a stale one, which clients go on sending with every request, is
 * overlooked there, since it would keep out exactly those who come to replace it.
 */
export const LeadsToToken = () => applyDecorators(SetMetadata(LEADS_TO_TOKEN, true), OverlooksToken());

/** What a route says about who may call it. */
interface Access {
  leadsToToken: boolean;
  roles: Role[] | undefined;
  scope: Scope | undefined;
  isPublic: boolean;
}

/**
 * Finds out who is calling, on every route. Who is not known gets no further than the public ones, only the named roles get
 * to those under `@Roles`, and only admins and API keys to those under `@Scopes`: nowhere else does a key open anything.
 *
 * A token that is there must be good, also where none is needed: who believes to be logged in must not be taken for a
 * stranger in silence. It is no good any more when the user is gone or has another role by now.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  /** By the methods of the routes: decorators do not change any more. */
  private readonly known = new WeakMap<object, Access>();

  constructor(
    private readonly reflector: Reflector,
    private readonly accessTokens: AccessTokens,
    private readonly apiKeys: ApiKeyService,
    private readonly standings: UserStandings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { leadsToToken, roles, scope, isPublic } = this.accessTo(context);
    const request = context.switchToHttp().getRequest<CallerRequest>();
    request.caller = await this.callerOf(request, leadsToToken);
    if (scope !== undefined) return this.admitByScope(request, scope);
    if (!isPublic) await this.admitByRole(request, roles);
    return true;
  }

  private accessTo(context: ExecutionContext): Access {
    const route = context.getHandler();
    let access = this.known.get(route);
    if (access === undefined) {
      access = this.readAccess([route, context.getClass()]);
      this.known.set(route, access);
    }
    return access;
  }

  private readAccess(where: Parameters<Reflector['getAllAndOverride']>[1]): Access {
    const stated = <T>(key: string) => this.reflector.getAllAndOverride<T | undefined>(key, where);
    const roles = stated<Role[]>(ROLES);
    // Where several are stated, on a controller and its method, the strictest goes.
    const scope = roles === undefined ? stated<Scope>(SCOPE) : undefined;
    const isPublic = roles === undefined && stated<boolean>(IS_PUBLIC) === true;
    return { leadsToToken: stated<boolean>(LEADS_TO_TOKEN) === true, roles, scope, isPublic };
  }

  // A token that is there decides: a key beside it is not looked at.
  private async admitByScope(request: CallerRequest, scope: Scope): Promise<boolean> {
    if (request.caller === undefined) {
      request.apiKey = await this.keyWithScope(request.headers['x-api-key'], scope);
    } else if (request.caller.role !== 'admin') {
      throw new Forbidden(scopeNeeded(scope));
    }
    return true;
  }

  private async admitByRole({ caller, headers }: CallerRequest, roles: Role[] | undefined): Promise<void> {
    if (caller === undefined) {
      if (headers['x-api-key'] === undefined) throw new Unauthenticated();
      // A good key: we know who calls, and that they are no user.
      await this.apiKeys.verify(String(headers['x-api-key']));
      throw new Forbidden(roles ? roleNeeded(roles) : USER_NEEDED);
    }
    if (roles !== undefined && !roles.includes(caller.role)) throw new Forbidden(roleNeeded(roles));
  }

  private async keyWithScope(header: string | string[] | undefined, scope: Scope): Promise<KeyCaller> {
    if (header === undefined) throw new Unauthenticated('an access token or an API key');
    const { id, name, scopes } = await this.apiKeys.verify(String(header));
    if (!scopes.includes(scope)) throw new Forbidden(scopeNeeded(scope));
    return { id, name };
  }

  private async callerOf(request: CallerRequest, overlooksBad: boolean): Promise<Caller | undefined> {
    const { authorization = '' } = request.headers;
    const [scheme, token, ...rest] = authorization.trim().split(/ +/);
    // Other schemes are not for us: a proxy in front of us may ask for a password of its own.
    if (scheme?.toLowerCase() !== 'bearer') return undefined;
    try {
      if (token === undefined || rest.length > 0) throw new TokenInvalid('access token');
      const { caller, issuedAtMs } = this.accessTokens.verify(token);
      if (isOfApi(request) && !(await this.standings.confirm(caller, issuedAtMs)))
        throw new TokenInvalid('access token');
      return caller;
    } catch (error) {
      if (overlooksBad && error instanceof TokenInvalid) return undefined;
      throw error;
    }
  }
}
