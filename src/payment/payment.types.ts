import type { ChargeRequest } from './gateway/payment-gateway.js';

/** `pending`: waits for the customer or for our own call; `unknown`: the provider may have charged; the others are final. */
export type AttemptStatus = 'pending' | 'succeeded' | 'failed' | 'unknown';

/** A row of `payments`: one attempt to charge one order. Amounts in minor units. */
export interface Payment {
  id: string;
  order_id: string;
  attempt: number;
  status: AttemptStatus;
  amount_minor: number;
  refunded_minor: number;
  currency: string;
  provider: string;
  provider_payment_id: string | null;
  idempotency_key: string;
  request: ChargeRequest;
  confirmation_url: string | null;
  failure_code: string | null;
  failure_reason: string | null;
  decline_ends_order: boolean;
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
