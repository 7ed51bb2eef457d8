import Stripe from 'stripe';
import { ListMissing, OutcomeUnknown } from './payment-gateway.js';
import { isNoList } from './provider-lists.js';
import { type Intent, readIntent, readList, type StripeList } from './stripe-answers.js';
import { StripeUnreachable } from './stripe-fetch.js';

/** Stripe's own and definite no. */
export interface Refusal {
  refused: true;
  status: number;
  code: string | null;
  decline_code: string | null;
  message: string;
  /** The PaymentIntent that the refused request has left behind. */
  intent: Intent | null;
}

/** Stripe repeats its own fault, as it does with every answer for as long as it remembers the key. */
export class FaultRepeated extends OutcomeUnknown {}

class Unanswered extends OutcomeUnknown {
  constructor(
    message: string,
    /** Of what came back, where something did. */
    readonly status: number | null,
  ) {
    super(message);
  }
}

/**
 * One call of the port: all its requests share one time limit, and what none of them answers is OutcomeUnknown.
 * No message of ours repeats Stripe's, which may quote what was sent.
 */
export class StripeCall {
  private readonly endsAtMs: number;

  constructor(
    private readonly what: string,
    private readonly timeoutMs: number,
  ) {
    this.endsAtMs = performance.now() + timeoutMs;
  }

  /**
   * Sends one request. @returns the answer, or a definite refusal: a 400, 402 or 404 in which Stripe says that the card or
   * the request is wrong. @throws OutcomeUnknown for everything else, what concerns the idempotency key included.
   */
  async ask<T extends object>(send: (options: Stripe.RequestOptions) => Promise<T>): Promise<T | Refusal> {
    const remainingMs = Math.floor(this.endsAtMs - performance.now());
    if (remainingMs < 1) throw this.unknown(`no answer within ${this.timeoutMs} ms`);
    try {
      return await send({ timeout: remainingMs, maxNetworkRetries: 0 });
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal !== null) return refusal;
      const isRepeated = error instanceof Stripe.errors.StripeError && isServerFaultRepeated(error);
      const { message } = this.unknown(this.explain(error));
      throw isRepeated ? new FaultRepeated(message) : new Unanswered(message, statusOf(error));
    }
  }

  /** Reads one page of a list. @throws ListMissing, OutcomeUnknown */
  async page(send: (options: Stripe.RequestOptions) => Promise<object>): Promise<StripeList> {
    try {
      const answer = await this.ask(send);
      const list = readList(answer);
      if (list !== null) return list;
      throw this.listMissing(isRefusal(answer) ? astray(answer) : 'an answer without a list in it');
    } catch (error) {
      const isMissing = error instanceof Unanswered && error.status !== null && isNoList(error.status);
      throw isMissing ? new ListMissing(error.message) : error;
    }
  }

  /** What must be there, or else nothing is known. */
  need<T>(value: T | null, lacking: string): T {
    if (value === null) throw this.unknown(lacking);
    return value;
  }

  unknown(why: string): OutcomeUnknown {
    return new OutcomeUnknown(`stripe gave no usable answer to ${this.what}: ${why}`);
  }

  listMissing(why: string): ListMissing {
    return new ListMissing(this.unknown(why).message);
  }

  // Only codes and our own words: the errors carry headers, and messages that quote keys and tokens.
  private explain(error: unknown): string {
    if (!(error instanceof Stripe.errors.StripeError)) return 'an answer that the SDK could not read';
    const { statusCode, rawType, code } = error;
    if (statusCode === undefined) {
      const detail: unknown = error.detail;
      if (!(detail instanceof StripeUnreachable)) return 'the connection failed';
      return detail.message === 'no answer in time'
        ? `no answer within ${this.timeoutMs} ms`
        : detail.message;
    }
    const said = [statusCode, rawType, code]
      .filter((word) => /^\w{1,100}$/.test(String(word ?? '')))
      .join(' ');
    if (statusCode === 401 || statusCode === 403)
      return `${said}: check STRIPE_SECRET_KEY and what the account may do`;
    return said;
  }
}

/** A refusal that says nothing of the money: a wrong address, another account, a state that we do not know. */
export function astray({ status, code }: Refusal): string {
  return `${status} ${code ?? 'invalid_request_error'}: check STRIPE_API_URL and STRIPE_SECRET_KEY`;
}

export function isRefusal(answer: object): answer is Refusal {
  return 'refused' in answer && answer.refused === true;
}

function refusalIn(error: unknown): Refusal | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  const { statusCode: status, rawType, code, decline_code, message, payment_intent } = error;
  const isCardError = status === 402 && rawType === 'card_error';
  const isWrongRequest = (status === 400 || status === 404) && rawType === 'invalid_request_error';
  if (!isCardError && !isWrongRequest) return null;
  // Too fast, too many at once, or a key that is in use: nothing is said of the request itself.
  if (/^(rate_limit|lock_timeout|idempotency\w*)$/.test(code ?? '')) return null;
  const intent = readIntent(payment_intent);
  // An intent that cannot be read cannot be cancelled, and might still be paid.
  if (payment_intent && intent === null) return null;
  const codes = { code: code ?? null, decline_code: decline_code || null };
  return { refused: true, status: status as number, ...codes, message, intent };
}

function statusOf(error: unknown): number | null {
  if (!(error instanceof Stripe.errors.StripeError)) return null;
  const { statusCode, detail } = error as { statusCode?: number; detail?: unknown };
  return statusCode ?? (detail instanceof StripeUnreachable ? detail.status : null);
}

function isServerFaultRepeated({
  statusCode,
  headers,
}: InstanceType<typeof Stripe.errors.StripeError>): boolean {
  return (statusCode ?? 0) >= 500 && headers?.['idempotent-replayed'] === 'true';
}
