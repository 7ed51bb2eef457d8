import { createHash } from 'node:crypto';
import { z } from 'zod';
import { currencyDecimals, toMinorUnits } from '../gateway/yookassa-amount.js';
import { invalidRequest } from './sandbox-errors.js';
import { scriptOf } from './sandbox-tokens.js';

const amount = z.object({ value: z.string(), currency: z.string() }).transform((given, context) => {
  const decimals = currencyDecimals(given.currency);
  if (decimals === null) {
    context.addIssue({ code: 'custom', path: ['currency'], message: 'is no ISO 4217 currency' });
    return z.NEVER;
  }
  const amountMinor = toMinorUnits(given);
  if (amountMinor === null || amountMinor <= 0) {
    const message = `must be a positive amount written with exactly ${decimals} decimals`;
    context.addIssue({ code: 'custom', path: ['value'], message });
    return z.NEVER;
  }
  return { amountMinor, currency: given.currency };
});

const confirmation = z.object({
  type: z.literal('redirect'),
  return_url: z.url({ protocol: /^https?$/ }).max(2048),
});

const metadata = z
  .record(z.string().max(32), z.string().max(512))
  .refine((given) => Object.keys(given).length <= 16, 'takes at most 16 keys');

// Limits are YooKassa's; members it knows and this gateway does not (receipt, recipient, …) are let through.
const paymentRequest = z
  .object({
    amount,
    capture: z.literal(true, 'must be true: this gateway captures at once and has no second stage'),
    payment_token: z
      .string()
      .refine((token) => scriptOf(token) !== null, 'is no token of this gateway')
      .optional(),
    payment_method_data: z.object({ type: z.string().min(1).max(64) }).optional(),
    confirmation: confirmation.optional(),
    description: z.string().max(128).optional(),
    metadata: metadata.default({}),
  })
  .refine((given) => given.payment_token === undefined || given.payment_method_data === undefined, {
    path: ['payment_method_data'],
    message: 'cannot go together with payment_token',
  })
  .refine(
    (given) => scriptOf(given.payment_token)?.status !== 'pending' || given.confirmation !== undefined,
    {
      path: ['confirmation'],
      message: 'is needed by a payment that the customer has to confirm',
    },
  );

const refundRequest = z.object({
  payment_id: z.string().min(1).max(64),
  amount,
  description: z.string().max(250).optional(),
  metadata: metadata.optional(),
});

const LIMIT_MAX = 100;
const limitSentence = `must be a whole number between 1 and ${LIMIT_MAX}`;

// Filters that YooKassa has and this gateway has not are refused: passing over one would answer too much.
const listQuery = z.strictObject({
  'created_at.gte': z.iso
    .datetime({ offset: true, error: 'must be a time of ISO 8601' })
    .transform((time) => Date.parse(time))
    .optional(),
  payment_id: z.string().min(1).max(64).optional(),
  limit: z.coerce
    .number(limitSentence)
    .int(limitSentence)
    .min(1, limitSentence)
    .max(LIMIT_MAX, limitSentence)
    .default(10),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'is no cursor of this gateway')
    .transform(Number)
    .optional(),
});

/** A valid payment request, amounts in integer minor units. */
export type PaymentRequest = z.output<typeof paymentRequest>;

/** A valid refund request, amounts in integer minor units. */
export type RefundRequest = z.output<typeof refundRequest>;

/** Which part of a list is asked for; times in milliseconds. */
export type ListQuery = z.output<typeof listQuery>;

/** @throws RequestRefused naming the first wrong parameter. */
export function readListQuery(query: URLSearchParams): ListQuery {
  return read(listQuery, Object.fromEntries(query));
}

/** @throws RequestRefused naming the first wrong parameter. */
export function readPaymentRequest(body: unknown): PaymentRequest {
  return read(paymentRequest, body);
}

/** @throws RequestRefused naming the first wrong parameter. */
export function readRefundRequest(body: unknown): RefundRequest {
  return read(refundRequest, body);
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const fault = parsed.error.issues[0];
  const parameter = fault?.path.join('.') || undefined;
  throw invalidRequest(`${parameter ?? 'The body'}: ${fault?.message ?? 'is wrong'}`, parameter);
}

/**
 * What makes two requests the same one: the address and the JSON values, not their spelling.
 * Spaces, the order of members, and 1 or 1.0 make no difference.
 */
export function requestSha256(path: string, body: unknown): string {
  return createHash('sha256')
    .update(`${path}\n${canonicalJson(body)}`)
    .digest('base64');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
