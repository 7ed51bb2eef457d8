import type { Charge, ChargeRequest, ProviderRefund, RefundRequest } from './payment-gateway.js';
import { quoted } from './provider-words.js';
import { toStripeAmount } from './stripe-amount.js';
import type { Intent, StripeRefund } from './stripe-answers.js';
import type { Refusal, StripeCall } from './stripe-call.js';

/** A definite no, without the id of what has failed. */
export type Failure = Pick<
  Extract<Charge, { status: 'failed' }>,
  'status' | 'failure_code' | 'failure_reason'
>;

interface SaidError {
  code?: string | null | undefined;
  decline_code?: string | null | undefined;
  message?: string | null | undefined;
}

const CODE_MAX_CHARACTERS = 100;

/** Stripe's messages about cards are written for the customer; the bank's code says more than Stripe's. */
export function failureIn({ code, decline_code, message }: SaidError, secrets: (string | null)[]): Failure {
  return {
    status: 'failed',
    failure_code: (decline_code || code || 'invalid_request').slice(0, CODE_MAX_CHARACTERS),
    failure_reason: quoted(message || 'The payment was declined.', secrets),
  };
}

/** Why an intent was cancelled, in whatever words there are. */
export function failureOfCanceled(intent: Intent, secrets: (string | null)[]): Failure {
  if (intent.last_payment_error) return failureIn(intent.last_payment_error, secrets);
  const reason = intent.cancellation_reason ?? 'canceled';
  // What we ourselves cancel without a decline, nobody has confirmed.
  return reason === 'abandoned'
    ? {
        status: 'failed',
        failure_code: 'expired_on_confirmation',
        failure_reason: 'The payment was not confirmed in time.',
      }
    : { status: 'failed', failure_code: reason, failure_reason: 'The payment was cancelled.' };
}

/** Nothing can happen to it any more. */
export function isOver({ status }: Intent): boolean {
  return status === 'succeeded' || status === 'canceled';
}

/** The card or the bank has said no; the intent would take another one. */
export function isDeclined({ status, last_payment_error }: Intent): boolean {
  return status === 'requires_payment_method' && Boolean(last_payment_error);
}

/** Nothing has been paid or is on its way: it can be cancelled. */
export function waitsForCustomer({ status }: Intent): boolean {
  return ['requires_action', 'requires_confirmation', 'requires_payment_method'].includes(status);
}

export function isMissing({ status, code }: Refusal): boolean {
  return status === 404 && code === 'resource_missing';
}

/** @throws OutcomeUnknown naming what the intent says otherwise than the request it should answer. */
export function compareIntent(
  call: StripeCall,
  { amount, currency, metadata }: Intent,
  request: ChargeRequest,
): void {
  compareAmount(call, amount, currency, request);
  if (metadata?.order_id !== request.order_id) throw call.unknown('the answer names another order');
  if (metadata?.idempotency_key !== request.idempotency_key)
    throw call.unknown('the answer names another idempotency key');
}

/** @throws OutcomeUnknown, as above. */
export function compareRefund(call: StripeCall, refund: StripeRefund, request: RefundRequest): void {
  compareAmount(call, refund.amount, refund.currency, request);
  if (refund.payment_intent !== request.provider_payment_id)
    throw call.unknown('the answer names another payment');
  if (refund.metadata?.idempotency_key !== request.idempotency_key)
    throw call.unknown('the answer names another idempotency key');
}

function compareAmount(
  call: StripeCall,
  amount: number,
  currency: string,
  request: { amount_minor: number; currency: string },
): void {
  if (currency.toUpperCase() !== request.currency) throw call.unknown('the answer names another currency');
  if (amount !== toStripeAmount(request.amount_minor, request.currency))
    throw call.unknown('the answer names another amount');
}

export function toRefund({ id, status, failure_reason }: StripeRefund): ProviderRefund {
  if (status === 'succeeded') return { status, provider_refund_id: id };
  // `requires_action`: the customer has to say where the money should go.
  if (status === 'pending' || status === 'requires_action')
    return { status: 'pending', provider_refund_id: id };
  const failure_code = failure_reason ?? status;
  return {
    status: 'failed',
    provider_refund_id: id,
    failure_code,
    failure_reason: `The refund was declined (${failure_code}).`,
  };
}
