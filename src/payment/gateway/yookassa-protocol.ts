import { z } from 'zod';
import type { ChargeRequest } from './payment-gateway.js';
import { toYookassaAmount } from './yookassa-amount.js';

// Only what Holdfast relies on is read; YooKassa adds members to its objects without notice.
const paymentAnswer = z.object({
  id: z.string().min(1).max(64),
  status: z.enum(['pending', 'waiting_for_capture', 'succeeded', 'canceled']),
  paid: z.boolean(),
  amount: z.object({ value: z.string(), currency: z.string() }),
  metadata: z.record(z.string(), z.string()).optional(),
  confirmation: z.object({ confirmation_url: z.url({ protocol: /^https?$/ }).optional() }).optional(),
  cancellation_details: z.object({ reason: z.string().min(1).max(100) }).optional(),
});

const errorAnswer = z.object({
  type: z.literal('error'),
  code: z.string().regex(/^\w{1,100}$/),
  description: z.string().default(''),
  parameter: z.string().default(''),
});

export type PaymentAnswer = z.output<typeof paymentAnswer>;
export type ErrorAnswer = z.output<typeof errorAnswer>;

/** The payment object in a response body; null when the body is anything else or lacks what is relied on. */
export function readPaymentAnswer(body: string): PaymentAnswer | null {
  return read(paymentAnswer, body);
}

/** YooKassa's error in a response body; null when the body is somebody else's, such as a proxy's page. */
export function readErrorAnswer(body: string): ErrorAnswer | null {
  return read(errorAnswer, body);
}

function read<T>(schema: z.ZodType<T>, body: string): T | null {
  try {
    return schema.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}

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

const DESCRIPTION_MAX_CHARACTERS = 128;

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
    description: shortened(request.description),
    metadata: { order_id: request.order_id },
    // YooKassa takes a token or a method, not both; with neither it lets the customer choose on its page.
    ...(request.payment_token !== null
      ? { payment_token: request.payment_token }
      : methodType !== undefined && { payment_method_data: { type: methodType } }),
  };
}

/** Cut to what YooKassa takes, never through the middle of a surrogate pair. */
function shortened(description: string): string {
  return description.slice(0, DESCRIPTION_MAX_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '');
}
