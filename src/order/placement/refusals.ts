import { DiscountInvalid } from '../../discount/discount.errors.js';
import { InsufficientStock } from '../../inventory/inventory.errors.js';
import { type DomainError, NotFound, ValidationFailed } from '../../platform/errors.js';
import type { Money } from '../../platform/money.js';
import { PointsInsufficient } from '../../points/points.errors.js';
import { CheckoutInProgress, PriceChanged, ProductUnavailable } from '../order.errors.js';
import type { Refusal } from './decide.js';

/** What the client is told of a refusal; amounts become major units. */
export function errorOf(refusal: Refusal, money: Money): DomainError {
  switch (refusal.because) {
    case 'product_not_found':
      return new NotFound('product not found');
    case 'product_unavailable':
      return new ProductUnavailable(
        refusal.products.map(({ name }) => name),
        refusal.products.map(({ id }) => id),
      );
    case 'insufficient_stock':
      return new InsufficientStock(refusal.items);
    case 'discount_invalid':
      return new DiscountInvalid(refusal.code, refusal.fault, money.majorOf(refusal.min_items_price_minor));
    case 'points_insufficient':
      return new PointsInsufficient(refusal.requested, refusal.balance);
    case 'price_changed':
      return new PriceChanged(money.majorOf(refusal.expected_minor), money.majorOf(refusal.actual_minor));
    case 'total_too_large':
      return ValidationFailed.of('items', 'the total is too large');
    case 'checkout_in_progress':
      return new CheckoutInProgress();
  }
}
