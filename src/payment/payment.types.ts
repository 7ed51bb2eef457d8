import type { ChargeRequest, RefundRequest } from './gateway/payment-gateway.js';

/** `pending`: waits for the customer or for our own call; `unknown`: the provider may have charged; the others are final. */
export type AttemptStatus = 'pending' | 'succeeded' | 'failed' | 'unknown';

/** The `provider` of money that an admin has taken by hand. */
export const MANUAL = 'manual';

/** A row of `payments`: one attempt to charge one order. Amounts in minor units. */
export interface Payment {
  id: string;
  order_id: string;
  attempt: number;
  status: AttemptStatus;
  amount_minor: number;
  /** Given back. */
  refunded_minor: number;
  /** Promised to be given back, while the provider has not said so. */
  refunding_minor: number;
  currency: string;
  provider: string;
  provider_payment_id: string | null;
  idempotency_key: string;
  request: ChargeRequest;
  confirmation_url: string | null;
  failure_code: string | null;
  failure_reason: string | null;
  decline_ends_order: boolean;
  /** Whether its request may have gone to the provider before: by somebody who got no usable answer, or died. */
  sent_before: boolean;
  /** Since it was noted, by the database's clock. */
  age_ms: number;
  /** Since its order came to nothing: what is not paid yet should not be paid any more. Null while the order lives. */
  order_ended_ms: number | null;
  created_at: Date;
  settled_at: Date | null;
}

/** What a new attempt is about. */
export interface NewAttempt {
  order_id: string;
  amount_minor: number;
  currency: string;
  payment_method: string;
  payment_token: string | null;
  return_url: string | null;
  /** A checkout's order ends with a decline; an order that is paid by itself stays payable. */
  decline_ends_order: boolean;
}

/** Money that an admin has accepted by hand. */
export interface AcceptedMoney {
  order_id: string;
  amount_minor: number;
  currency: string;
  reference: string | null;
}

/** `pending`: our own call or the provider is at it; `unknown`: it may have gone through; the others are final. */
export type RefundStatus = AttemptStatus;

/** Why money goes back: an admin's wish, an order that was cancelled when paid, or money that came too late to buy anything. */
export type RefundCause = 'admin' | 'cancelled' | 'late';

/** A row of `refunds`. The amount in minor units. */
export interface Refund {
  id: string;
  order_id: string;
  payment_id: string;
  number: number;
  status: RefundStatus;
  cause: RefundCause;
  reason: string | null;
  amount_minor: number;
  currency: string;
  provider: string;
  provider_refund_id: string | null;
  idempotency_key: string;
  request: RefundRequest;
  failure_code: string | null;
  failure_reason: string | null;
  /** Whether its request may have gone to the provider before, as with a payment. */
  sent_before: boolean;
  /** Since it was noted, by the database's clock. */
  age_ms: number;
  created_at: Date;
  settled_at: Date | null;
}

/** What a new refund is about. */
export interface NewRefund {
  payment: Payment;
  amount_minor: number;
  cause: RefundCause;
  reason: string;
}

/** A notification of a provider's whose effect is being written. */
export interface SettledNotification {
  provider: string;
  /** Tells one from another: the provider's own id of it, or what it comes to. */
  event_id: string;
  type: string;
  order_id: string;
}
