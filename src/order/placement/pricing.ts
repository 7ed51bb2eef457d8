import { type Discount, discountPriceOf } from '../../discount/discount.types.js';

/** What the shop has set for all orders. Amounts in minor units. */
export interface PricingTerms {
  point_value_minor: number;
  shipping_flat_price_minor: number;
  /** From which price of the items, discount taken off, shipping is free; null for never. */
  shipping_free_from_minor: number | null;
}

/** What an order costs and how that comes about. Amounts in minor units. */
export interface Price {
  items_price_minor: number;
  discount_price_minor: number;
  shipping_price_minor: number;
  /** How many of the offered points are taken. */
  redeemed_points: number;
  points_discount_price_minor: number;
  total_price_minor: number;
}

/**
 * What items of this price cost in the end: first the discount, then shipping, then points. Pure and exact.
 *
 * Points pay for shipping, too. Each is worth all of its value: what less than one point is worth stays to be paid, and of
 * the offered points only as many are taken as the price has room for.
 */
export function priceOf(
  itemsPriceMinor: number,
  discount: Discount | null,
  offeredPoints: number,
  terms: PricingTerms,
): Price {
  const discount_price_minor = discount ? discountPriceOf(discount, itemsPriceMinor) : 0;
  const discounted = itemsPriceMinor - discount_price_minor;
  const shipping_price_minor = shippingOf(discounted, terms);
  const payable = discounted + shipping_price_minor;
  const { point_value_minor } = terms;
  const redeemed_points = Math.min(
    offeredPoints,
    (payable - (payable % point_value_minor)) / point_value_minor,
  );
  const points_discount_price_minor = redeemed_points * point_value_minor;
  return {
    items_price_minor: itemsPriceMinor,
    discount_price_minor,
    shipping_price_minor,
    redeemed_points,
    points_discount_price_minor,
    total_price_minor: payable - points_discount_price_minor,
  };
}

function shippingOf(discounted: number, terms: PricingTerms): number {
  const { shipping_flat_price_minor, shipping_free_from_minor } = terms;
  const isFree = shipping_free_from_minor !== null && discounted >= shipping_free_from_minor;
  return isFree ? 0 : shipping_flat_price_minor;
}
