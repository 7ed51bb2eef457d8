import type { ChargeRequest, RefundRequest } from './payment-gateway.js';
import { toYookassaAmount } from './yookassa-amount.js';

/**
 * YooKassa's payment methods for Holdfast's. Each is confirmed on YooKassa's page, by the redirect that is asked for.
 * - `e_wallet`: `yoo_money` is the only wallet that YooKassa still takes.
 * - `bank_transfer`: `sbp` goes from account to account; `b2b_sberbank` is for companies and cannot be refunded.
 * - `installment`: `sber_loan` sells loans and instalment plans; the older `installments` is no longer listed.
 *   YooKassa takes it from 3000 roubles up and refuses less as an invalid request.
 */
const paymentMethodTypes = new Map([
  ['credit_card', 'bank_card'],
  ['e_wallet', 'yoo_money'],
  ['bank_transfer', 'sbp'],
  ['installment', 'sber_loan'],
]);

const PAYMENT_DESCRIPTION_MAX_CHARACTERS = 128;
const REFUND_DESCRIPTION_MAX_CHARACTERS = 250;
/** How far our clock and the provider's may be apart. */
const CLOCK_MARGIN_MS = 300_000;

/**
 * The body of `POST /payments`. The same request always gives the same body: YooKassa compares it under one key.
 * @param namesMethod whether the customer's payment method goes along when there is no token.
 */
export function paymentBody(request: ChargeRequest, namesMethod: boolean): object {
  const methodType = namesMethod ? paymentMethodTypes.get(request.payment_method) : undefined;
  return {
    amount: toYookassaAmount(request.amount_minor, request.currency),
    capture: true,
    confirmation: { type: 'redirect', return_url: request.return_url },
    description: shortened(request.description, PAYMENT_DESCRIPTION_MAX_CHARACTERS),
    // The key is here as well, to find the payment again when YooKassa has forgotten what it did under it.
    metadata: { order_id: request.order_id, idempotency_key: request.idempotency_key },
    // YooKassa takes a token or a method, not both; with neither it lets the customer choose on its page.
    ...(request.payment_token !== null
      ? { payment_token: request.payment_token }
      : methodType !== undefined && { payment_method_data: { type: methodType } }),
  };
}

/**
 * The body of `POST /refunds`. The key ends the description, the one text of ours that every refund of YooKassa's has:
 * metadata came to refunds late, and where they are not kept, a refund would look as if it had never been made.
 */
export function refundBody(request: RefundRequest): object {
  const mark = refundMark(request);
  const reason = shortened(request.reason, REFUND_DESCRIPTION_MAX_CHARACTERS - mark.length);
  return {
    payment_id: request.provider_payment_id,
    amount: toYookassaAmount(request.amount_minor, request.currency),
    description: reason + mark,
  };
}

/** What the description of this request's refund ends with. */
export function refundMark({ idempotency_key }: RefundRequest): string {
  return ` [${idempotency_key}]`;
}

/** The parameter of a list that leaves out what was there long before `since`. */
export function createdAfter(since: Date): object {
  return { 'created_at.gte': new Date(since.getTime() - CLOCK_MARGIN_MS).toISOString() };
}

/** Cut to what YooKassa takes, never through the middle of a surrogate pair. */
function shortened(text: string, maxCharacters: number): string {
  return text.slice(0, maxCharacters).replace(/[\uD800-\uDBFF]$/, '');
}
