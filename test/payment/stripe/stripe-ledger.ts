import { randomBytes } from 'node:crypto';
import { invalid, missing, StripeSaysNo } from './stripe-errors.js';
import type { Form } from './stripe-form.js';

/** One line of the books: never changed, never taken out. */
export type Fact =
  | { fact: 'created'; intent: string }
  | { fact: 'captured'; intent: string; order_id: string | undefined; amount: number }
  | { fact: 'canceled'; intent: string }
  | { fact: 'refunded'; intent: string; refund: string; amount: number };

export interface IntentObject {
  id: string;
  object: 'payment_intent';
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  created: number;
  metadata: Record<string, string>;
  last_payment_error: object | null;
  next_action: object | null;
  cancellation_reason: string | null;
  [member: string]: unknown;
}

export interface RefundObject {
  id: string;
  object: 'refund';
  status: string;
  amount: number;
  currency: string;
  payment_intent: string;
  metadata: Record<string, string>;
  created: number;
}

/** What a PaymentMethod does when it is charged. Those of Stripe's have its names for test cards. */
const methods: Record<string, 'succeeds' | 'asks' | 'processes' | { code: string; decline_code?: string }> = {
  pm_card_visa: 'succeeds',
  pm_card_threeDSecure2Required: 'asks',
  pm_usBankAccount: 'processes',
  pm_card_chargeDeclined: { code: 'card_declined', decline_code: 'generic_decline' },
  pm_card_chargeDeclinedInsufficientFunds: { code: 'card_declined', decline_code: 'insufficient_funds' },
  pm_card_chargeDeclinedExpiredCard: { code: 'expired_card' },
};

const waiting = ['requires_payment_method', 'requires_confirmation', 'requires_action'];

/** Stripe's PaymentIntents and Refunds as its documentation describes them, and the books of what money moved. */
export class StripeLedger {
  readonly facts: Fact[] = [];
  private readonly intents = new Map<string, IntentObject>();
  private readonly refunds = new Map<string, RefundObject>();

  constructor(private readonly pageOf: (intentId: string) => string) {}

  create(form: Form): IntentObject {
    const intent: IntentObject = {
      id: idOf('pi'),
      object: 'payment_intent',
      status: 'requires_payment_method',
      amount: wholeIn(form, 'amount'),
      amount_received: 0,
      currency: String(form.currency),
      created: Math.floor(Date.now() / 1_000),
      metadata: (form.metadata ?? {}) as Record<string, string>,
      description: form.description ?? null,
      last_payment_error: null,
      next_action: null,
      cancellation_reason: null,
    };
    if (!/^[a-z]{3}$/.test(intent.currency)) throw invalid('Invalid currency', { param: 'currency' });
    const method = form.payment_method as string | undefined;
    if (method !== undefined && !(method in methods)) {
      throw invalid(`No such PaymentMethod: '${method}'`, {
        code: 'resource_missing',
        param: 'payment_method',
      });
    }
    if (form.return_url !== undefined && form.confirm !== 'true') {
      throw invalid('return_url is only for confirm=true', { param: 'return_url' });
    }
    this.intents.set(intent.id, intent);
    this.facts.push({ fact: 'created', intent: intent.id });
    if (form.confirm === 'true') this.confirm(intent, method ?? '');
    return intent;
  }

  /** The customer answers the bank's question on the page that `next_action` leads to. */
  decide(id: string, decision: 'approve' | 'decline'): void {
    const intent = this.intent(id);
    if (intent.status !== 'requires_action') return;
    intent.next_action = null;
    if (decision === 'approve') this.capture(intent);
    else this.decline(intent, { code: 'payment_intent_authentication_failure' }, 'The customer said no.');
  }

  /** Somebody pays an intent that waits for a card, with another one, and not through us. */
  payElsewhere(id: string): void {
    const intent = this.intent(id);
    if (waiting.includes(intent.status)) this.capture(intent);
  }

  cancel(id: string, form: Form): IntentObject {
    const intent = this.intent(id);
    if (!waiting.includes(intent.status)) {
      const message = `You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`;
      throw invalid(message, { code: 'payment_intent_unexpected_state', payment_intent: { ...intent } });
    }
    intent.status = 'canceled';
    intent.next_action = null;
    intent.cancellation_reason = (form.cancellation_reason as string | undefined) ?? null;
    this.facts.push({ fact: 'canceled', intent: id });
    return intent;
  }

  refund(form: Form): RefundObject {
    const id = String(form.payment_intent);
    const intent = this.intents.get(id);
    if (!intent) throw invalid(`No such payment_intent: '${id}'`, { code: 'resource_missing' });
    const amount = wholeIn(form, 'amount');
    if (intent.status !== 'succeeded') {
      throw invalid('This PaymentIntent does not have a successful charge to refund.');
    }
    const left = intent.amount_received - this.refundedOf(id);
    if (left === 0) throw invalid('The charge has been refunded.', { code: 'charge_already_refunded' });
    if (amount > left)
      throw invalid(`Refund amount (${amount}) is greater than ${left}`, { param: 'amount' });
    const refund: RefundObject = {
      id: idOf('re'),
      object: 'refund',
      status: 'succeeded',
      amount,
      currency: intent.currency,
      payment_intent: id,
      metadata: (form.metadata ?? {}) as Record<string, string>,
      created: Math.floor(Date.now() / 1_000),
    };
    this.refunds.set(refund.id, refund);
    this.facts.push({ fact: 'refunded', intent: id, refund: refund.id, amount });
    return refund;
  }

  intent(id: string): IntentObject {
    const intent = this.intents.get(id);
    if (!intent) throw missing('payment_intent', id);
    return intent;
  }

  oneRefund(id: string): RefundObject {
    const refund = this.refunds.get(id);
    if (!refund) throw missing('refund', id);
    return refund;
  }

  /** Newest first, as in Stripe's lists. */
  allIntents(): IntentObject[] {
    return [...this.intents.values()].reverse();
  }

  allRefunds(): RefundObject[] {
    return [...this.refunds.values()].reverse();
  }

  captures(orderId: string): number {
    return this.facts.filter((fact) => fact.fact === 'captured' && fact.order_id === orderId).length;
  }

  refundedOf(id: string): number {
    return this.facts.reduce(
      (sum, fact) => sum + (fact.fact === 'refunded' && fact.intent === id ? fact.amount : 0),
      0,
    );
  }

  private confirm(intent: IntentObject, method: string): void {
    const outcome = methods[method] ?? 'succeeds';
    if (outcome === 'succeeds') this.capture(intent);
    else if (outcome === 'processes') intent.status = 'processing';
    else if (outcome === 'asks') {
      intent.status = 'requires_action';
      const url = this.pageOf(intent.id);
      intent.next_action = { type: 'redirect_to_url', redirect_to_url: { url, return_url: null } };
    } else {
      this.decline(intent, outcome, 'Your card was declined.');
      const error = { type: 'card_error', ...outcome, message: 'Your card was declined.' };
      throw new StripeSaysNo(402, { ...error, payment_intent: { ...intent } });
    }
  }

  private capture(intent: IntentObject): void {
    intent.status = 'succeeded';
    intent.amount_received = intent.amount;
    const { id, amount, metadata } = intent;
    this.facts.push({ fact: 'captured', intent: id, order_id: metadata.order_id, amount });
  }

  private decline(intent: IntentObject, error: object, message: string): void {
    intent.status = 'requires_payment_method';
    intent.last_payment_error = { type: 'card_error', ...error, message };
  }
}

function idOf(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('hex')}`;
}

function wholeIn(form: Form, name: string): number {
  const value = Number(form[name]);
  if (!Number.isInteger(value) || value < 1) throw invalid(`Invalid integer: ${form[name]}`, { param: name });
  return value;
}
