/** `pending` waits for the customer on the confirmation page; the other two are final. */
export type PaymentStatus = 'pending' | 'succeeded' | 'canceled';

export interface CancellationDetails {
  party: string;
  reason: string;
}

/** A payment came to be. One that is born `succeeded` was captured in this very fact: one line, so never half of it. */
export interface PaymentCreated {
  fact: 'payment_created';
  at: string;
  id: string;
  idempotence_key: string;
  request_sha256: string;
  order_id: string | null;
  status: PaymentStatus;
  amount_minor: number;
  currency: string;
  cancellation: CancellationDetails | null;
  method: string;
  description: string | null;
  metadata: Record<string, string>;
  return_url: string | null;
}

export interface PaymentCaptured {
  fact: 'payment_captured';
  at: string;
  payment_id: string;
  order_id: string | null;
  amount_minor: number;
}

export interface PaymentCanceled {
  fact: 'payment_canceled';
  at: string;
  payment_id: string;
  order_id: string | null;
  cancellation: CancellationDetails;
}

export interface RefundSucceeded {
  fact: 'refund_succeeded';
  at: string;
  id: string;
  idempotence_key: string;
  request_sha256: string;
  payment_id: string;
  order_id: string | null;
  amount_minor: number;
  /** Ledgers of earlier versions have neither of these. */
  description?: string | null;
  metadata?: Record<string, string>;
}

/** Everything that ever happened at the gateway is one of these, one a line of its ledger. */
export type LedgerFact = PaymentCreated | PaymentCaptured | PaymentCanceled | RefundSucceeded;
