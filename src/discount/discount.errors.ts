import { DomainError, NotFound } from '../platform/errors.js';
import type { DiscountFault } from './discount.types.js';

export class DiscountNotFound extends NotFound {
  constructor() {
    super('discount not found');
  }
}

/** Another living discount has this code. */
export class CodeTaken extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'code_taken';

  constructor(code: string) {
    super(`the code ${code} is already taken`);
  }
}

const SENTENCES: Record<Exclude<DiscountFault, 'min_items_price'>, string> = {
  unknown: 'is unknown',
  inactive: 'is inactive',
  not_started: 'has not started',
  ended: 'has ended',
  used_up: 'is used up',
  used_up_by_you: 'is used up by you',
};

/** A code that cannot be used, and why. The price that the items must reach is in major units. */
export class DiscountInvalid extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'discount_invalid';
  override readonly members: { reason: DiscountFault; min_items_price?: number };

  constructor(code: string, reason: DiscountFault, minItemsPrice: number) {
    const needsMore = reason === 'min_items_price';
    super(
      `the discount code ${code} ${needsMore ? `needs items for at least ${minItemsPrice}` : SENTENCES[reason]}`,
    );
    this.members = needsMore ? { reason, min_items_price: minItemsPrice } : { reason };
  }
}
