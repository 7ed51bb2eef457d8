/** What kind of fact a domain error states. Only the HTTP filter knows which status each kind becomes. */
export type FactKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'reused'
  | 'limited'
  | 'unavailable'
  | 'timeout';

/**
 * A business fact that stops a request, e.g. `InsufficientStock`. It carries a stable code and a sentence for people, and
 * nothing of HTTP. `members` go into the answer as they are.
 */
export abstract class DomainError extends Error {
  abstract readonly kind: FactKind;
  abstract readonly code: string;
  readonly members: object = {};
  /** When trying again makes sense: after how many seconds. */
  readonly retryAfterSeconds?: number;
}

export interface FieldFault {
  field: string;
  message: string;
}

/** The request says something that cannot be: wrong types, bounds, unknown members. Nothing was changed. */
export class ValidationFailed extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'validation_failed';
  override readonly members: { errors: FieldFault[] };

  constructor(faults: FieldFault[]) {
    super(faults.map(({ message }) => message).join('; '));
    this.members = { errors: faults };
  }

  /** One field, one sentence. */
  static of(field: string, message: string): ValidationFailed {
    return new ValidationFailed([{ field, message }]);
  }
}

/** The body is not JSON at all. */
export class MalformedJson extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'malformed_json';

  constructor() {
    super('the body is not valid JSON');
  }
}

/** There is no such thing, or it is somebody else's: the answer does not tell which. */
export class NotFound extends DomainError {
  readonly kind = 'not_found';
  readonly code = 'not_found';
}

/** The caller is known and lacks the role or scope. */
export class Forbidden extends DomainError {
  readonly kind = 'forbidden';
  readonly code = 'forbidden';
}

/** The request has taken longer than it may. Nothing was done, and its idempotency key is free. */
export class RequestTimedOut extends DomainError {
  readonly kind = 'timeout';
  readonly code = 'timeout';

  constructor() {
    super('the request took too long; nothing was done');
  }
}

/** More is waiting than can be served in time; nothing was begun. */
export class Overloaded extends DomainError {
  readonly kind = 'unavailable';
  readonly code = 'overloaded';
  override readonly retryAfterSeconds = 1;
}
