import type { IncomingHttpHeaders } from 'node:http';

/**
 * The one true port of the house: what Holdfast asks of any payment provider.
 *
 * Every call that moves money carries a deterministic idempotency key, so asking twice is safe for as long as the
 * provider remembers the key (`keyLifeMs`); after that `findByRequest` and `findRefundByRequest` come first.
 * No implementation may retry by itself, cache, or touch the database.
 */
export abstract class PaymentGateway {
  /** The name that payments carry in their `provider` member, e.g. `sandbox`. */
  abstract readonly name: string;

  /** For how long the provider answers a repeated key with what it did the first time, in milliseconds. */
  abstract readonly keyLifeMs: number;

  /**
   * Charges once per idempotency key; the same key with the same request answers the same charge. `failed` without an id of
   * the provider's is a refusal of this very sending: of a repeat it does not say what came of the first.
   * @throws OutcomeUnknown when the provider may or may not have charged.
   */
  abstract charge(request: ChargeRequest): Promise<Charge>;

  /**
   * Reads a charge back.
   * @returns null when the provider knows no such charge.
   * @throws OutcomeUnknown when the provider did not give a usable answer.
   */
  abstract find(providerPaymentId: string): Promise<FoundCharge | null>;

  /**
   * Looks for what a charge has made, without its key. `since` is when the request was first sent, at the latest.
   * @returns null when the provider says that there is nothing: then it may be sent again.
   * @throws ListMissing when the provider has no list to look in.
   * @throws OutcomeUnknown when the provider did not give a usable answer.
   */
  abstract findByRequest(request: ChargeRequest, since: Date): Promise<Charge | null>;

  /**
   * Gives money back, once per idempotency key.
   * @throws OutcomeUnknown when the provider may or may not have given it back.
   */
  abstract refund(request: RefundRequest): Promise<ProviderRefund>;

  /** Reads a refund back. @returns null when the provider knows no such refund. @throws OutcomeUnknown */
  abstract findRefund(providerRefundId: string): Promise<ProviderRefund | null>;

  /** `findByRequest` for refunds. @throws ListMissing, OutcomeUnknown */
  abstract findRefundByRequest(request: RefundRequest, since: Date): Promise<ProviderRefund | null>;

  /**
   * What a notification of the provider's is about. Checks its signature and age where the provider signs, before anything
   * is parsed. What it says is never believed: the caller reads the payment back.
   * @throws NotificationRefused when it is not authentic, too old, or unreadable.
   */
  abstract readNotification(body: Buffer, headers: IncomingHttpHeaders): Notification;
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

/** A charge that was read back, and what the provider says it is for. */
export interface FoundCharge {
  charge: Charge;
  amount_minor: number;
  currency: string;
  /** Null when the charge is not one of ours. */
  order_id: string | null;
  /** The key under which we made it; null when the provider does not tell. */
  idempotency_key: string | null;
}

/** Exactly what goes to the provider to give money back; committed before the call and sent again unchanged. */
export interface RefundRequest {
  idempotency_key: string;
  order_id: string;
  provider_payment_id: string;
  amount_minor: number;
  currency: string;
  reason: string;
}

/** What the provider says of a refund. */
export type ProviderRefund =
  | { status: 'succeeded'; provider_refund_id: string }
  | { status: 'pending'; provider_refund_id: string }
  | { status: 'failed'; provider_refund_id: string | null; failure_code: string; failure_reason: string };

/** What a notification is about. `type` is the provider's own word, for the log. */
export type Notification =
  | { about: 'payment'; type: string; provider_payment_id: string; event_id: string | null }
  | { about: 'refund'; type: string; provider_refund_id: string; event_id: string | null }
  | { about: 'something else'; type: string };

/**
 * The provider gave no usable answer: a time-out, a dropped connection, a 5xx, or an answer that says it is
 * still working. The money may have moved, so this is never a failure: ask again with the same key.
 */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** The provider has no list to look in, or none that can be read to its end: asked again, it will hardly have another. */
export class ListMissing extends OutcomeUnknown {}

/** A notification that is not the provider's, is too old, or cannot be read. Its message holds no secret. */
export class NotificationRefused extends Error {
  override readonly name = 'NotificationRefused';
}
