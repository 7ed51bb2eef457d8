import { z } from 'zod';

// Only what Holdfast relies on is read; YooKassa adds members to its objects without notice.
const id = z.string().regex(/^[\w-]{1,64}$/);
const amount = z.object({ value: z.string(), currency: z.string() });
const cancellation = z.object({ reason: z.string().min(1).max(100) });

const paymentAnswer = z.object({
  id,
  status: z.enum(['pending', 'waiting_for_capture', 'succeeded', 'canceled']),
  paid: z.boolean(),
  amount,
  metadata: z.record(z.string(), z.string()).optional(),
  confirmation: z.object({ confirmation_url: z.url({ protocol: /^https?$/ }).optional() }).optional(),
  cancellation_details: cancellation.optional(),
});

const refundAnswer = z.object({
  id,
  status: z.enum(['pending', 'succeeded', 'canceled']),
  payment_id: id,
  amount,
  description: z.string().optional(),
  cancellation_details: cancellation.optional(),
});

const errorAnswer = z.object({
  type: z.literal('error'),
  code: z.string().regex(/^\w{1,100}$/),
  description: z.string().default(''),
  parameter: z.string().default(''),
});

// What is in a list may be anybody's; it is read in full only where it turns out to be ours.
const listAnswer = z.object({
  type: z.literal('list').optional(),
  items: z.array(
    z.looseObject({
      description: z.string().optional(),
      metadata: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  next_cursor: z.string().min(1).max(200).optional(),
});

const notification = z.object({
  type: z.literal('notification'),
  event: z.string().regex(/^[\w.]{1,100}$/),
  object: z.object({ id: id.optional() }),
});

export type PaymentAnswer = z.output<typeof paymentAnswer>;
export type RefundAnswer = z.output<typeof refundAnswer>;
export type ErrorAnswer = z.output<typeof errorAnswer>;
export type ListAnswer = z.output<typeof listAnswer>;
export type NotificationBody = z.output<typeof notification>;

/** The payment object in a response body; null when the body is anything else or lacks what is relied on. */
export function readPaymentAnswer(body: string): PaymentAnswer | null {
  return read(paymentAnswer, body);
}

/** The refund object in a response body; null when the body is anything else or lacks what is relied on. */
export function readRefundAnswer(body: string): RefundAnswer | null {
  return read(refundAnswer, body);
}

/** The same of a payment and of a refund that stood in a list. */
export function paymentIn(item: unknown): PaymentAnswer | null {
  return paymentAnswer.safeParse(item).data ?? null;
}

export function refundIn(item: unknown): RefundAnswer | null {
  return refundAnswer.safeParse(item).data ?? null;
}

/** A page of a list; null when the body is anything else. */
export function readListAnswer(body: string): ListAnswer | null {
  return read(listAnswer, body);
}

/** YooKassa's error in a response body; null when the body is somebody else's, such as a proxy's page. */
export function readErrorAnswer(body: string): ErrorAnswer | null {
  return read(errorAnswer, body);
}

/** What YooKassa posts when something has changed; null when it is anything else. */
export function readNotificationBody(body: string): NotificationBody | null {
  return read(notification, body);
}

function read<T>(schema: z.ZodType<T>, body: string): T | null {
  try {
    return schema.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
}
