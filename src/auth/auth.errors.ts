import { DomainError, NotFound } from '../platform/errors.js';

/** Somebody has registered with this e-mail. */
export class EmailTaken extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'email_taken';

  constructor() {
    super('this email is already registered');
  }
}

/** There is no such user, or the password is another: the answer does not tell which. */
export class CredentialsWrong extends DomainError {
  readonly kind = 'unauthenticated';
  readonly code = 'invalid_credentials';

  constructor() {
    super('invalid email or password');
  }
}

/** The token was not issued by us, has expired, or was used up or revoked: the answer does not tell which. */
export class TokenInvalid extends DomainError {
  readonly kind = 'unauthenticated';
  readonly code = 'invalid_token';

  constructor(token: 'access token' | 'refresh token') {
    super(`the ${token} is invalid or has expired`);
  }
}

/** The route needs to know who is calling, and no token says it. */
export class Unauthenticated extends DomainError {
  readonly kind = 'unauthenticated';
  readonly code = 'unauthenticated';

  constructor(what: 'an access token' | 'an access token or an API key' = 'an access token') {
    super(`${what} is required`);
  }
}

/** The API key was not made by us or has been revoked: the answer does not tell which. */
export class ApiKeyInvalid extends DomainError {
  readonly kind = 'unauthenticated';
  readonly code = 'invalid_api_key';

  constructor() {
    super('the API key is invalid or has been revoked');
  }
}

export class ApiKeyNotFound extends NotFound {
  constructor() {
    super('API key not found');
  }
}

export class UserNotFound extends NotFound {
  constructor() {
    super('user not found');
  }
}

/** Nobody could appoint another one. */
export class LastAdmin extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'last_admin';

  constructor() {
    super('this is the last admin: appoint another one first');
  }
}

/** A guest has no way to log in, so they can be nothing else before they have registered. */
export class UserIsGuest extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'user_is_guest';

  constructor() {
    super('a guest has no other role before they have registered');
  }
}
