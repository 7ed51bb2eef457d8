import type Stripe from 'stripe';
import type { ChargeRequest, RefundRequest } from './payment-gateway.js';
import { toStripeAmount } from './stripe-amount.js';

const METADATA_MAX_CHARACTERS = 500;

/**
 * The PaymentIntent for a charge, created and confirmed in one call. The same request always gives the same parameters:
 * Stripe compares them under one key.
 *
 * The key is in the metadata as well, to find the intent again when Stripe has forgotten what it did under it.
 */
export function intentParams(request: ChargeRequest): Stripe.PaymentIntentCreateParams {
  return {
    amount: toStripeAmount(request.amount_minor, request.currency),
    currency: request.currency.toLowerCase(),
    capture_method: 'automatic',
    description: request.description,
    metadata: { order_id: request.order_id, idempotency_key: request.idempotency_key },
    ...methodParams(request),
  };
}

/**
 * What the customer pays with.
 * - Without a token nothing can be confirmed from here: the intent waits for the shop's page, with all that is switched on.
 * - `credit_card` is `card`, which every account has, Apple Pay and Google Pay included; nothing else may come in its name.
 * - Which wallets, bank transfers and instalment plans there are depends on the account's country and on the currency, and
 *   Stripe refuses the whole payment over one that is not switched on. So the token alone says which one it is.
 */
function methodParams({ payment_method, payment_token, return_url }: ChargeRequest) {
  if (payment_token === null) return { automatic_payment_methods: { enabled: true } };
  return {
    confirm: true,
    payment_method: payment_token,
    return_url,
    ...(payment_method === 'credit_card'
      ? { payment_method_types: ['card'] }
      : { automatic_payment_methods: { enabled: true } }),
  };
}

/** The Refund. Stripe's own `reason` is one of three words, of which none fits; ours is for the shop's dashboard. */
export function refundParams(request: RefundRequest): Stripe.RefundCreateParams {
  return {
    payment_intent: request.provider_payment_id,
    amount: toStripeAmount(request.amount_minor, request.currency),
    metadata: {
      order_id: request.order_id,
      idempotency_key: request.idempotency_key,
      reason: request.reason.slice(0, METADATA_MAX_CHARACTERS).replace(/[\uD800-\uDBFF]$/, ''),
    },
  };
}
