import { DomainError, NotFound } from '../platform/errors.js';

export class DeadLetterNotFound extends NotFound {
  constructor() {
    super('dead letter not found');
  }
}

/** The letter's consumer is no part of this version any more: there is nobody to retry it with. */
export class ConsumerGone extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'consumer_gone';

  constructor(consumer: string) {
    super(`the consumer ${consumer} is gone: this letter can only be discarded`);
  }
}
