import { NotFound, ValidationFailed } from '../platform/errors.js';

export const QUANTITY_MIN = 1;
export const QUANTITY_MAX = 99;
export const QUANTITY_BOUNDS = `quantity must be between ${QUANTITY_MIN} and ${QUANTITY_MAX}`;

/** A line would come to hold less than nothing or more than a cart takes. Nothing was changed. */
export class QuantityOutOfBounds extends ValidationFailed {
  constructor(field: 'quantity' | 'delta') {
    super([{ field, message: QUANTITY_BOUNDS }]);
  }
}

/** The cart has no line for this product. */
export class LineNotFound extends NotFound {
  constructor() {
    super('item not found in cart');
  }
}
