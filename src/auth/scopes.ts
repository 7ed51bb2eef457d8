import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiSecurity } from '@nestjs/swagger';
import { Refuses } from '../platform/http/docs.js';

/** What an API key may be allowed. None implies another: who is to write and read gets both. */
export const SCOPES = ['inventory:read', 'inventory:write'] as const;
export type Scope = (typeof SCOPES)[number];

export const SCOPE = 'holdfast:scope';

/**
 * The route, or all of a controller's, is for admins and for API keys (`X-Api-Key`) with this scope: with neither 401, with
 * another role or without the scope 403. Nothing but such a route is open to a key. Beside `@Roles`, that one decides.
 *
 * For a key, `request.apiKey` is there and `@CurrentUser()` is undefined.
 */
export const Scopes = (scope: Scope) =>
  applyDecorators(
    SetMetadata(SCOPE, scope),
    ApiBearerAuth('access_token'),
    ApiSecurity('api_key'),
    Refuses(
      401,
      ['unauthenticated', 'invalid_token', 'invalid_api_key'],
      'an access token or an API key is required',
    ),
    Refuses(403, 'forbidden', scopeNeeded(scope)),
  );

/** The sentence for those who have neither the role nor the scope. */
export const scopeNeeded = (scope: Scope) =>
  `this needs the role admin or an API key with the scope ${scope}`;
