import { DomainError, NotFound } from '../platform/errors.js';

export class PaymentNotFound extends NotFound {
  constructor() {
    super('payment not found');
  }
}

export class RefundNotFound extends NotFound {
  constructor() {
    super('refund not found');
  }
}

/** More is to be given back than is left of what was captured. Amounts in major units. */
export class RefundTooLarge extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'refund_too_large';
  override readonly members: { requested: number | null; refundable: number };

  constructor(requested: number | null, refundable: number) {
    super(
      requested === null || refundable === 0
        ? 'nothing is left to refund'
        : `a refund of ${requested} is more than the ${refundable} that can be refunded`,
    );
    this.members = { requested, refundable };
  }
}

/** The notification is not the provider's, is too old, or cannot be read. */
export class NotificationNotAuthentic extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'notification_refused';
}

/** The provider gave no usable answer to what a notification is about; it should tell again. */
export class ProviderUnavailable extends DomainError {
  readonly kind = 'unavailable';
  readonly code = 'provider_unavailable';
  override readonly retryAfterSeconds = 5;

  constructor() {
    super('the payment provider did not answer; tell again');
  }
}
