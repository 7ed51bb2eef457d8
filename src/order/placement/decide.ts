import type { Shortage } from '../../inventory/inventory.errors.js';
import type { LockedProduct } from '../../product/product.types.js';
import type { OrderLine, PlacementRequest } from '../order.types.js';

/** What the placement has locked, as it stands in the transaction. */
export interface Locked {
  products: ReadonlyMap<number, LockedProduct>;
  /** The `cartRoundKey`s that an order which has not come to nothing has bought already. */
  boughtRounds: ReadonlySet<string>;
}

export interface PlacedDraft {
  request: PlacementRequest;
  lines: OrderLine[];
  items_price_minor: number;
  total_price_minor: number;
}

export type Refusal =
  | { because: 'product_not_found'; product_id: number }
  | { because: 'product_unavailable'; products: { id: number; name: string }[] }
  | { because: 'insufficient_stock'; items: Shortage[] }
  | { because: 'price_changed'; expected_minor: number; actual_minor: number }
  | { because: 'total_too_large' }
  | { because: 'checkout_in_progress' };

export type Decision = { placed: PlacedDraft } | { refused: Refusal };

export interface Writes {
  orders: PlacedDraft[];
  takings: { order_id: string; product_id: number; quantity: number; stock_after: number }[];
}

export const cartRoundKey = (cartId: string, round: number) => `${cartId} ${round}`;

/**
 * Turns locked rows and requests into outcomes and writes. Pure: no I/O, no clock, nothing given is changed.
 *
 * First come, first served; each request gets all its lines or none, and a refused one leaves what it wanted to the next.
 * The decisions stand in the order of the requests.
 */
export function decide(
  locked: Locked,
  requests: readonly PlacementRequest[],
): { decisions: Decision[]; writes: Writes } {
  const left = new Map([...locked.products].map(([id, { stock }]) => [id, stock]));
  const bought = new Set(locked.boughtRounds);
  const writes: Writes = { orders: [], takings: [] };
  const decisions = requests.map((request): Decision => {
    const refused = refusalOf(request, locked.products, left, bought);
    if (refused) return { refused };
    const placed = draftOf(request, locked.products);
    for (const { product_id, quantity } of request.lines) {
      const stock_after = (left.get(product_id) as number) - quantity;
      left.set(product_id, stock_after);
      writes.takings.push({ order_id: request.order_id, product_id, quantity, stock_after });
    }
    if (request.checkout) bought.add(cartRoundKey(request.checkout.cart_id, request.checkout.cart_round));
    writes.orders.push(placed);
    return { placed };
  });
  return { decisions, writes };
}

function refusalOf(
  request: PlacementRequest,
  products: ReadonlyMap<number, LockedProduct>,
  left: ReadonlyMap<number, number>,
  bought: ReadonlySet<string>,
): Refusal | null {
  const { checkout, lines } = request;
  if (checkout && bought.has(cartRoundKey(checkout.cart_id, checkout.cart_round))) {
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
      available: left.get(product_id) as number,
    }))
    .filter(({ requested, available }) => requested > available);
  if (items.length > 0) return { because: 'insufficient_stock', items };
  const { total_price_minor } = draftOf(request, products);
  if (!Number.isSafeInteger(total_price_minor)) return { because: 'total_too_large' };
  const expected_minor = request.expected_total_minor;
  if (expected_minor !== null && expected_minor !== total_price_minor) {
    return { because: 'price_changed', expected_minor, actual_minor: total_price_minor };
  }
  return null;
}

function draftOf(request: PlacementRequest, products: ReadonlyMap<number, LockedProduct>): PlacedDraft {
  const lines = request.lines.map(({ product_id, quantity }) => {
    const { sku, name, price_minor } = products.get(product_id) as LockedProduct;
    return {
      product_id,
      sku,
      product_name: name,
      quantity,
      price_minor,
      subtotal_minor: price_minor * quantity,
    };
  });
  const items_price_minor = lines.reduce((sum, { subtotal_minor }) => sum + subtotal_minor, 0);
  return { request, lines, items_price_minor, total_price_minor: items_price_minor };
}
