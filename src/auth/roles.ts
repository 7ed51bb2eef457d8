import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { Role } from '../platform/http/caller.js';
import { Refuses } from '../platform/http/docs.js';

export const ROLES = 'holdfast:roles';

/**
 * The route, or all of a controller's, is for these roles only: without a token 401, with another role, or an API key in its
 * place, 403.
 */
export const Roles = (...roles: Role[]) =>
  applyDecorators(SetMetadata(ROLES, roles), Refuses(403, 'forbidden', roleNeeded(roles)));

/** The sentence for those who have another role. */
export const roleNeeded = (roles: Role[]) => `this needs the role ${roles.join(' or ')}`;

/** The sentence for other systems where users are, whatever their role. */
export const USER_NEEDED = 'this needs the access token of a user: an API key is not enough';
