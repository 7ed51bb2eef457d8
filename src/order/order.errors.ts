import { DomainError, NotFound } from '../platform/errors.js';

/** The order would cost something else than the client expects. Totals in major units. */
export class PriceChanged extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'price_changed';
  override readonly members: { expected_total: number; actual_total: number };

  constructor(expected: number, actual: number) {
    super(`the total is ${actual}, not ${expected}`);
    this.members = { expected_total: expected, actual_total: actual };
  }
}

/** A product is no longer sold. */
export class ProductUnavailable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'product_unavailable';
  override readonly members: { product_ids: number[] };

  constructor(names: string[], ids: number[]) {
    super(`${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} no longer available`);
    this.members = { product_ids: ids };
  }
}

/** Another checkout has this cart in hand, or has just bought it. */
export class CheckoutInProgress extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'checkout_in_progress';

  constructor() {
    super('another checkout of this cart is in progress');
  }
}

export class OrderNotFound extends NotFound {
  constructor() {
    super('order not found');
  }
}

export class OrderNotCancellable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_cancellable';

  constructor(status: string) {
    super(`an order that is ${status} cannot be cancelled`);
  }
}

export class OrderNotPayable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_payable';

  constructor(status: string) {
    super(`an order that is ${status} cannot be paid`);
  }
}

export class OrderNotShippable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_shippable';

  constructor(status: string) {
    super(`an order that is ${status} cannot be shipped`);
  }
}

export class OrderNotDeliverable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_deliverable';

  constructor(status: string) {
    super(`an order that is ${status} cannot be delivered`);
  }
}

/** The order has left `pending`: its payment can no longer fail and its time no longer run out. */
export class OrderNotWaiting extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_pending';

  constructor(status: string) {
    super(`an order that is ${status} is not waiting for its payment`);
  }
}

/** The goods have not left the house. */
export class OrderNotReturnable extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_returnable';

  constructor(status: string) {
    super(`nothing of an order that is ${status} can be returned`);
  }
}

/** More is to come back of a product than was sold and has not come back. */
export class ReturnTooLarge extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'return_too_large';
  override readonly members: { items: { product_id: number; requested: number; returnable: number }[] };

  constructor(items: { product_id: number; requested: number; returnable: number }[]) {
    super(
      `more is returned than was sold of product ${items.map(({ product_id }) => product_id).join(', ')}`,
    );
    this.members = { items };
  }
}
