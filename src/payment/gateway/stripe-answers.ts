import { z } from 'zod';

// The SDK types what Stripe should answer and checks nothing; only what Holdfast relies on is read.
const text = (maxCharacters: number) => z.string().max(maxCharacters).nullish();
const metadata = z.record(z.string(), z.string()).nullish();

const paymentError = z.object({ code: text(100), decline_code: text(100), message: text(5_000) });

const intentAnswer = z.object({
  object: z.literal('payment_intent'),
  id: z.string().regex(/^pi_\w{1,250}$/),
  status: z.enum([
    'canceled',
    'processing',
    'requires_action',
    'requires_capture',
    'requires_confirmation',
    'requires_payment_method',
    'succeeded',
  ]),
  amount: z.int(),
  amount_received: z.int(),
  currency: z.string(),
  created: z.int(),
  metadata,
  last_payment_error: paymentError.nullish(),
  cancellation_reason: text(100),
  next_action: z
    .object({
      redirect_to_url: z.object({ url: z.url({ protocol: /^https?$/ }).nullish() }).nullish(),
    })
    .nullish(),
});

const refundAnswer = z.object({
  object: z.literal('refund'),
  id: z.string().regex(/^\w{1,255}$/),
  status: z.enum(['pending', 'requires_action', 'succeeded', 'failed', 'canceled']),
  amount: z.int(),
  currency: z.string(),
  payment_intent: z.string().nullish(),
  metadata,
  failure_reason: text(100),
});

const eventAnswer = z.object({
  object: z.literal('event'),
  id: z.string().regex(/^evt_\w{1,250}$/),
  type: z.string().regex(/^[\w.]{1,200}$/),
  data: z.object({
    object: z.object({
      object: z.string(),
      id: z.string().regex(/^\w{1,255}$/),
      // Only events of old API versions carry a charge's refunds.
      refunds: z.object({ data: z.array(z.object({ id: z.string().regex(/^\w{1,255}$/) })) }).nullish(),
    }),
  }),
});

const listAnswer = z.object({
  object: z.enum(['list', 'search_result']),
  data: z.array(z.looseObject({ id: z.string(), metadata: z.record(z.string(), z.unknown()).nullish() })),
  has_more: z.boolean(),
});

export type Intent = z.output<typeof intentAnswer>;
export type StripeRefund = z.output<typeof refundAnswer>;
export type StripeEvent = z.output<typeof eventAnswer>;
export type StripeList = z.output<typeof listAnswer>;

/** A PaymentIntent; null when it is anything else or lacks what is relied on. */
export function readIntent(answer: unknown): Intent | null {
  return intentAnswer.safeParse(answer).data ?? null;
}

/** A Refund; null when it is anything else or lacks what is relied on. */
export function readRefund(answer: unknown): StripeRefund | null {
  return refundAnswer.safeParse(answer).data ?? null;
}

/** An Event whose signature is right; null when it lacks what is relied on. */
export function readEvent(answer: unknown): StripeEvent | null {
  return eventAnswer.safeParse(answer).data ?? null;
}

/** A page of a list, or of search results; null when it is anything else. */
export function readList(answer: unknown): StripeList | null {
  return listAnswer.safeParse(answer).data ?? null;
}
