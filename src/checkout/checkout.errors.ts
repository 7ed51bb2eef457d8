import { DomainError } from '../platform/errors.js';

/** There is nothing to buy. */
export class CartEmpty extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'cart_empty';

  constructor() {
    super('cart is empty');
  }
}
