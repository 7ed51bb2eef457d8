import { DomainError } from '../errors.js';

/** The same key and body, and the first call has not ended. */
export class IdempotencyInProgress extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'idempotency_in_progress';
  override readonly retryAfterSeconds = 1;

  constructor() {
    super('a request with this idempotency key is still in progress');
  }
}

/** The same key with another body. */
export class IdempotencyKeyReused extends DomainError {
  readonly kind = 'reused';
  readonly code = 'idempotency_key_reused';

  constructor() {
    super('this idempotency key was already used with a different body');
  }
}

/** It was done, and what it was answered cannot be shown again: the secret that the answer was sealed with has changed. */
export class AnswerLost extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'idempotency_answer_lost';

  constructor() {
    super('this was done before, but its answer can no longer be shown');
  }
}
