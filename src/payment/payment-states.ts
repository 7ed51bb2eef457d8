import type { AttemptStatus, RefundStatus } from './payment.types.js';

/**
 * Every way that an attempt or a refund may go. A time-out makes it `unknown`, never `failed`; only the provider's own word
 * settles it. An attempt that has failed may still turn out to be captured: by then the money is here, and dropping it would
 * be the worst.
 */
export const ATTEMPT_TRANSITIONS: Record<AttemptStatus, readonly AttemptStatus[]> = {
  pending: ['pending', 'unknown', 'succeeded', 'failed'],
  unknown: ['pending', 'unknown', 'succeeded', 'failed'],
  succeeded: [],
  failed: ['succeeded'],
};

/** As an attempt, but for its ends: a provider may give a refund up after days, and then the money is ours again. */
export const REFUND_TRANSITIONS: Record<RefundStatus, readonly RefundStatus[]> = {
  ...ATTEMPT_TRANSITIONS,
  succeeded: ['failed'],
  failed: [],
};

/** A live attempt may still charge, so no other may be begun beside it. */
export const isLive = (status: AttemptStatus): boolean => status === 'pending' || status === 'unknown';

export function mayAttemptBecome(from: AttemptStatus, to: AttemptStatus): boolean {
  return ATTEMPT_TRANSITIONS[from].includes(to);
}

export function mayRefundBecome(from: RefundStatus, to: RefundStatus): boolean {
  return REFUND_TRANSITIONS[from].includes(to);
}

/** The provider's idempotency key of the n-th attempt to pay an order. Deterministic: whoever retries, from wherever, says the same. */
export function attemptKey(orderId: string, attempt: number): string {
  return attempt === 1 ? `order-${orderId}-payment` : `order-${orderId}-payment-${attempt}`;
}

/** The provider's idempotency key of an order's n-th refund. */
export const refundKey = (orderId: string, number: number): string => `order-${orderId}-refund-${number}`;
