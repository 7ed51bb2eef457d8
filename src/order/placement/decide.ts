import {
  type Discount,
  type DiscountFault,
  type DiscountUse,
  faultOf,
  userOfDiscount,
} from '../../discount/discount.types.js';
import type { Shortage } from '../../inventory/inventory.errors.js';
import type { Redemption } from '../../points/points.types.js';
import type { LockedProduct } from '../../product/product.types.js';
import type { OrderLine, PlacementRequest } from '../order.types.js';
import { type Price, type PricingTerms, priceOf } from './pricing.js';

/** Discounts and points accounts that the placement has locked. */
export interface LockedBenefits {
  discounts: ReadonlyMap<string, Discount>;
  /** How often whom has used which discount, as `userOfDiscount`s. */
  usedByUser: ReadonlyMap<string, number>;
  /** Points, by user. Who is missing has none. */
  balances: ReadonlyMap<number, number>;
}

/** What the placement has locked, as it stands in the transaction, and what holds for all orders. */
export interface Locked {
  products: ReadonlyMap<number, LockedProduct>;
  /** The `cartRoundKey`s that an order which has not come to nothing has bought already. */
  boughtRounds: ReadonlySet<string>;
  benefits: LockedBenefits;
  terms: PricingTerms;
  /** By the database's clock. */
  now: Date;
}

export interface PlacedDraft extends Price {
  request: PlacementRequest;
  lines: OrderLine[];
}

export type Refusal =
  | { because: 'product_not_found'; product_id: number }
  | { because: 'product_unavailable'; products: { id: number; name: string }[] }
  | { because: 'insufficient_stock'; items: Shortage[] }
  | { because: 'discount_invalid'; code: string; fault: DiscountFault; min_items_price_minor: number }
  | { because: 'points_insufficient'; requested: number; balance: number }
  | { because: 'price_changed'; expected_minor: number; actual_minor: number }
  | { because: 'total_too_large' }
  | { because: 'checkout_in_progress' };

export type Decision = { placed: PlacedDraft } | { refused: Refusal };

export interface Writes {
  orders: PlacedDraft[];
  takings: { order_id: string; product_id: number; quantity: number; stock_after: number }[];
  uses: DiscountUse[];
  redemptions: Redemption[];
}

/** What the requests before have left. The only thing here that changes. */
interface Left {
  stock: Map<number, number>;
  bought: Set<string>;
  timesUsed: Map<number, number>;
  usedByUser: Map<string, number>;
  balances: Map<number, number>;
}

export const cartRoundKey = (cartId: string, round: number) => `${cartId} ${round}`;

/**
 * Turns locked rows and requests into outcomes and writes. Pure: no I/O, no clock, nothing given is changed.
 *
 * First come, first served; each request gets all that it asks for or nothing, and a refused one leaves what it wanted to
 * the next: goods, the last use of a code, points. The decisions stand in the order of the requests.
 */
export function decide(
  locked: Locked,
  requests: readonly PlacementRequest[],
): { decisions: Decision[]; writes: Writes } {
  const left = leftOf(locked);
  const writes: Writes = { orders: [], takings: [], uses: [], redemptions: [] };
  const decisions = requests.map((request): Decision => {
    const decision = decideOne(request, locked, left);
    if ('placed' in decision) take(decision.placed, locked, left, writes);
    return decision;
  });
  return { decisions, writes };
}

function leftOf({ products, boughtRounds, benefits }: Locked): Left {
  return {
    stock: new Map([...products].map(([id, { stock }]) => [id, stock])),
    bought: new Set(boughtRounds),
    timesUsed: new Map([...benefits.discounts.values()].map(({ id, times_used }) => [id, times_used])),
    usedByUser: new Map(benefits.usedByUser),
    balances: new Map(benefits.balances),
  };
}

function decideOne(request: PlacementRequest, locked: Locked, left: Left): Decision {
  const refused = refusalOfGoods(request, locked.products, left);
  if (refused) return { refused };
  const lines = linesOf(request, locked.products);
  const itemsPriceMinor = lines.reduce((sum, { subtotal_minor }) => sum + subtotal_minor, 0);
  const { terms } = locked;
  if (!Number.isSafeInteger(itemsPriceMinor + terms.shipping_flat_price_minor))
    return { refused: { because: 'total_too_large' } };
  const refusedBenefits = refusalOfBenefits(request, itemsPriceMinor, locked, left);
  if (refusedBenefits) return { refused: refusedBenefits };
  const price = priceOf(itemsPriceMinor, discountOf(request, locked), request.redeem_points, terms);
  const expected_minor = request.expected_total_minor;
  const actual_minor = price.total_price_minor;
  if (expected_minor !== null && expected_minor !== actual_minor)
    return { refused: { because: 'price_changed', expected_minor, actual_minor } };
  return { placed: { request, lines, ...price } };
}

function refusalOfGoods(
  { checkout, lines }: PlacementRequest,
  products: ReadonlyMap<number, LockedProduct>,
  left: Left,
): Refusal | null {
  if (checkout && left.bought.has(cartRoundKey(checkout.cart_id, checkout.cart_round))) {
    return { because: 'checkout_in_progress' };
  }
  const missing = lines.find(({ product_id }) => !products.has(product_id));
  if (missing) return { because: 'product_not_found', product_id: missing.product_id };
  const unavailable = lines
    .map(({ product_id }) => products.get(product_id) as LockedProduct)
    .filter(({ sellable, has_variants }) => !sellable || has_variants);
  if (unavailable.length > 0) {
    return { because: 'product_unavailable', products: unavailable.map(({ id, name }) => ({ id, name })) };
  }
  const items = lines
    .map(({ product_id, quantity }) => ({
      product_id,
      requested: quantity,
      available: left.stock.get(product_id) as number,
    }))
    .filter(({ requested, available }) => requested > available);
  return items.length > 0 ? { because: 'insufficient_stock', items } : null;
}

function refusalOfBenefits(
  request: PlacementRequest,
  items_price_minor: number,
  locked: Locked,
  left: Left,
): Refusal | null {
  const { discount_code: code, redeem_points: requested, user_id } = request;
  if (code !== null) {
    const discount = discountOf(request, locked);
    if (discount === null)
      return { because: 'discount_invalid', code, fault: 'unknown', min_items_price_minor: 0 };
    const { id, min_items_price_minor } = discount;
    const times_used = left.timesUsed.get(id) as number;
    const used_by_user = left.usedByUser.get(userOfDiscount(id, user_id)) ?? 0;
    const purchase = { items_price_minor, used_by_user, now: locked.now };
    const fault = faultOf({ ...discount, times_used }, purchase);
    if (fault !== null) return { because: 'discount_invalid', code, fault, min_items_price_minor };
  }
  const balance = left.balances.get(user_id) ?? 0;
  return requested > balance ? { because: 'points_insufficient', requested, balance } : null;
}

function discountOf({ discount_code }: PlacementRequest, { benefits }: Locked): Discount | null {
  return discount_code === null ? null : (benefits.discounts.get(discount_code) ?? null);
}

function take(placed: PlacedDraft, locked: Locked, left: Left, writes: Writes): void {
  const { request, discount_price_minor, redeemed_points } = placed;
  const { order_id, user_id, checkout } = request;
  for (const { product_id, quantity } of request.lines) {
    const stock_after = (left.stock.get(product_id) as number) - quantity;
    left.stock.set(product_id, stock_after);
    writes.takings.push({ order_id, product_id, quantity, stock_after });
  }
  if (checkout) left.bought.add(cartRoundKey(checkout.cart_id, checkout.cart_round));
  const discount = discountOf(request, locked);
  if (discount !== null) {
    const user = userOfDiscount(discount.id, user_id);
    left.timesUsed.set(discount.id, (left.timesUsed.get(discount.id) as number) + 1);
    left.usedByUser.set(user, (left.usedByUser.get(user) ?? 0) + 1);
    writes.uses.push({ order_id, discount_id: discount.id, user_id, discount_price_minor });
  }
  if (redeemed_points > 0) {
    left.balances.set(user_id, (left.balances.get(user_id) as number) - redeemed_points);
    writes.redemptions.push({ order_id, user_id, points: redeemed_points });
  }
  writes.orders.push(placed);
}

function linesOf(request: PlacementRequest, products: ReadonlyMap<number, LockedProduct>): OrderLine[] {
  return request.lines.map(({ product_id, quantity }) => {
    const { sku, name, price_minor } = products.get(product_id) as LockedProduct;
    const subtotal_minor = price_minor * quantity;
    return { product_id, sku, product_name: name, quantity, price_minor, subtotal_minor };
  });
}
