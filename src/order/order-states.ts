import {
  OrderNotCancellable,
  OrderNotDeliverable,
  OrderNotPayable,
  OrderNotShippable,
  OrderNotWaiting,
} from './order.errors.js';
import type { OrderStatus } from './order.types.js';

/** Every way that an order may go. `expired` → `paid` is money that came late and found its stock again. */
export const ORDER_TRANSITIONS: Record<OrderStatus, readonly OrderStatus[]> = {
  pending: ['paid', 'failed', 'expired', 'cancelled'],
  paid: ['shipped', 'cancelled'],
  shipped: ['delivered'],
  delivered: [],
  failed: [],
  expired: ['paid'],
  cancelled: [],
};

const REFUSALS: Record<OrderStatus, new (status: OrderStatus) => Error> = {
  pending: OrderNotWaiting,
  paid: OrderNotPayable,
  shipped: OrderNotShippable,
  delivered: OrderNotDeliverable,
  failed: OrderNotWaiting,
  expired: OrderNotWaiting,
  cancelled: OrderNotCancellable,
};

/** Whether the order has come to nothing. Only late money can still revive one that has expired. */
export function hasEnded(status: OrderStatus): boolean {
  return status === 'failed' || status === 'expired' || status === 'cancelled';
}

export function mayBecome(from: OrderStatus, to: OrderStatus): boolean {
  return ORDER_TRANSITIONS[from].includes(to);
}

/** @throws the conflict that the wish for `to` meets in an order that is `from`. */
export function assertMayBecome(from: OrderStatus, to: OrderStatus): void {
  if (!mayBecome(from, to)) throw new REFUSALS[to](from);
}
