/**
 * The one true port of the house: what Holdfast asks of any payment provider.
 *
 * Every call carries a deterministic idempotency key, so asking twice is always safe.
 * No implementation may retry by itself, cache, or touch the database.
 */
export abstract class PaymentGateway {
  /** The name that payments carry in their `provider` member, e.g. `sandbox`. */
  abstract readonly name: string;

  /**
   * Charges once per idempotency key; the same key with the same request answers the same charge.
   * @throws ChargeOutcomeUnknown when the provider may or may not have charged.
   */
  abstract charge(request: ChargeRequest): Promise<Charge>;

  /**
   * Reads a charge back.
   * @returns null when the provider knows no such charge.
   * @throws ChargeOutcomeUnknown when the provider did not give a usable answer.
   */
  abstract find(providerPaymentId: string): Promise<Charge | null>;
}

/** Exactly what goes to the provider; committed before the call and sent again unchanged. */
export interface ChargeRequest {
  idempotency_key: string;
  order_id: string;
  amount_minor: number;
  currency: string;
  payment_method: string;
  payment_token: string | null;
  return_url: string;
  description: string;
}

/** What the provider says of a charge. `pending` waits for the customer at `confirmation_url`. */
export type Charge =
  | { status: 'succeeded'; provider_payment_id: string }
  | { status: 'pending'; provider_payment_id: string; confirmation_url: string | null }
  | { status: 'failed'; provider_payment_id: string | null; failure_code: string; failure_reason: string };

/**
 * The provider gave no usable answer: a time-out, a dropped connection, a 5xx, or an answer that says it is
 * still working. The money may have moved, so this is never a failure: ask again with the same key.
 */
export class ChargeOutcomeUnknown extends Error {
  override readonly name = 'ChargeOutcomeUnknown';
}
