import type { ReservationStatus } from '../inventory/inventory.types.js';
import type { Tx } from '../platform/database/tx.js';
import type { Claim } from '../platform/idempotency/claim.js';

export type OrderStatus = 'pending' | 'paid' | 'shipped' | 'delivered' | 'failed' | 'expired' | 'cancelled';
export type PaymentStatus = 'unpaid' | 'processing' | 'paid' | 'partially_refunded' | 'refunded' | 'failed';

export const PAYMENT_METHODS = ['credit_card', 'e_wallet', 'bank_transfer', 'installment', 'cod'] as const;
export type PaymentMethod = (typeof PAYMENT_METHODS)[number];

export interface ShippingAddress {
  name: string;
  lines: string[];
  city: string;
  postal_code: string;
  country: string;
  phone?: string;
}

export interface OrderLine {
  product_id: number;
  sku: string;
  product_name: string;
  quantity: number;
  price_minor: number;
  subtotal_minor: number;
}

export interface HistoryEntry {
  status: OrderStatus;
  reason: string | null;
  at: Date;
}

/** A row of `orders`. Amounts in minor units. */
export interface OrderRow {
  id: string;
  user_id: number;
  status: OrderStatus;
  payment_status: PaymentStatus;
  payment_method: PaymentMethod;
  currency: string;
  items_price_minor: number;
  discount_code: string | null;
  discount_price_minor: number;
  redeemed_points: number;
  points_discount_price_minor: number;
  shipping_price_minor: number;
  total_price_minor: number;
  shipping_address: ShippingAddress | null;
  note: string | null;
  tracking_number: string | null;
  cart_id: string | null;
  cart_round: number | null;
  created_at: Date;
  updated_at: Date;
}

/** An order with all that its answer shows. */
export interface Order extends OrderRow {
  lines: OrderLine[];
  reservation: { id: string; status: ReservationStatus; expires_at: Date } | null;
  history: HistoryEntry[];
}

export interface RequestedLine {
  product_id: number;
  quantity: number;
}

/** What somebody wants to order, checked as far as it can be without looking at the stock. */
export interface PlacementRequest {
  /** Made by us before the first try, so that a placement whose commit was not heard of can be recognised. */
  order_id: string;
  user_id: number;
  lines: RequestedLine[];
  payment_method: PaymentMethod;
  /** As codes are written: large letters, no white space around it. */
  discount_code: string | null;
  /** How many points are offered; no more are taken than the price has room for. */
  redeem_points: number;
  expected_total_minor: number | null;
  shipping_address: ShippingAddress | null;
  note: string | null;
  /** How long the goods are held, in seconds. */
  hold_seconds: number;
  claim: Claim | null;
  checkout: CheckoutPart | null;
  /** Who settles the order when nothing is left to pay; null when the checkout does it. */
  whenFree: FreeOrderSettler | null;
}

/** Pays, in the placement's own transaction, an order that discount and points have paid for. */
export interface FreeOrderSettler {
  settleFree(order: Order, tx: Tx): Promise<void>;
}

/** What makes a placement part of a checkout: it buys one round of a cart, and goes on after the placement. */
export interface CheckoutPart {
  cart_id: string;
  cart_round: number;
  /** Where the payment stands when the order begins: `processing` when the checkout will call the provider. */
  payment_status: PaymentStatus;
  /** For how long the call may take after the placement, in milliseconds. */
  busy_ms: number;
  companion: PlacementCompanion;
  /** What the companion needs to know of this request; opaque to the order module. */
  context: unknown;
}

/** Writes, in the placement's own transaction, what belongs with the orders but not to this module. Set-based: called once a batch. */
export interface PlacementCompanion {
  accompany(placed: { order: Order; context: unknown }[], tx: Tx): Promise<void>;
}

/** Goods that a customer has sent back. */
export interface ReturnedGoods extends RequestedLine {
  /** Whether they can be sold again. */
  sellable: boolean;
}

export const ORDER_SORTS = ['newest', 'oldest', 'total', '-total'] as const;
export type OrderSort = (typeof ORDER_SORTS)[number];

/** Which of everybody's orders an admin wants to see. */
export interface OrderFilter {
  status?: OrderStatus;
  user_id?: number;
  product_id?: number;
  /** Included. */
  from?: Date;
  /** Not included. */
  to?: Date;
  /** The beginning of the order's id, or of its buyer's e-mail. */
  q?: string;
}
