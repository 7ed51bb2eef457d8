import { DomainError, NotFound } from '../platform/errors.js';

export class EndpointNotFound extends NotFound {
  constructor() {
    super('webhook endpoint not found');
  }
}

export class DeliveryNotFound extends NotFound {
  constructor() {
    super('webhook delivery not found');
  }
}

/** Nothing is sent to an endpoint that is switched off. */
export class EndpointInactive extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'webhook_endpoint_inactive';

  constructor() {
    super('the webhook endpoint is switched off');
  }
}

/** An attempt has failed; the job is tried again. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed';
}
