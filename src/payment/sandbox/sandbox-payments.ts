import { randomUUID } from 'node:crypto';
import { invalidRequest, keyUsedForAnotherRequest, notFound } from './sandbox-errors.js';
import type {
  CancellationDetails,
  LedgerFact,
  PaymentCreated,
  PaymentStatus,
  RefundSucceeded,
} from './sandbox-facts.js';
import type { ListQuery, PaymentRequest, RefundRequest } from './sandbox-requests.js';
import type { TokenScript } from './sandbox-tokens.js';

export interface Payment {
  readonly created: PaymentCreated;
  status: PaymentStatus;
  cancellation: CancellationDetails | null;
  capturedAt: string | null;
  /** Counted from the ledger, not derived from the status: a second capture would show here. */
  captures: number;
  capturedMinor: number;
  refundedMinor: number;
}

export interface Refund {
  id: string;
  at: string;
  payment: Payment;
  amountMinor: number;
  description: string | null;
  metadata: Record<string, string> | undefined;
}

/** A part of a list, newest first. `next` is where the following part begins; null at the end. */
export interface Page<T> {
  items: T[];
  next: number | null;
}

/** An idempotence key with the request it was first used for. */
export interface KeyedRequest {
  key: string;
  sha256: string;
}

type Made = { payment: Payment } | { refund: Refund };

const successors: Record<PaymentStatus, readonly PaymentStatus[]> = {
  pending: ['succeeded', 'canceled'],
  succeeded: [],
  canceled: [],
};

/**
 * The gateway's state and its rules. Every method is synchronous, so no two requests ever interleave inside one,
 * and every change goes through a fact: memory is always what replaying the ledger would give.
 *
 * Nothing is ever forgotten, as a key must hold for as long as its charge does: about 1 kB a payment, so a
 * gigabyte of heap holds about a million. A test gateway is started on a fresh ledger long before that.
 */
export class SandboxPayments {
  private readonly payments = new Map<string, Payment>();
  private readonly refunds = new Map<string, Refund>();
  /** In the order of the ledger: an index is a cursor that nothing new moves. */
  private readonly paymentsInOrder: Payment[] = [];
  private readonly refundsInOrder: Refund[] = [];
  private readonly keys = new Map<string, { sha256: string; made: Made }>();

  /**
   * @param append takes each new fact to the ledger; replayed ones do not go there again.
   * @param pendingMs how long a payment waits for its customer. It is noticed by whoever looks at the payment next.
   */
  constructor(
    private readonly append: (fact: LedgerFact) => void,
    private readonly pendingMs: number,
  ) {}

  /**
   * What this key made before, or null when it is new.
   * @throws RequestRefused when it was used for another request.
   */
  madeUnder({ key, sha256 }: KeyedRequest): Made | null {
    const known = this.keys.get(key);
    if (known === undefined) return null;
    if (known.sha256 !== sha256) throw keyUsedForAnotherRequest();
    if ('payment' in known.made) this.cancelIfStale(known.made.payment);
    return known.made;
  }

  create({ key, sha256 }: KeyedRequest, request: PaymentRequest, script: TokenScript): Payment {
    const id = randomUUID();
    this.record({
      fact: 'payment_created',
      at: now(),
      id,
      idempotence_key: key,
      request_sha256: sha256,
      order_id: request.metadata.order_id ?? null,
      status: script.status,
      amount_minor: request.amount.amountMinor,
      currency: request.amount.currency,
      cancellation: script.cancellation,
      method: request.payment_method_data?.type ?? 'bank_card',
      description: request.description ?? null,
      metadata: request.metadata,
      return_url: request.confirmation?.return_url ?? null,
    });
    return this.getPayment(id);
  }

  /** The customer decides on the confirmation page. The first decision stands; any further one changes nothing. */
  settle(id: string, decision: 'approve' | 'decline'): Payment {
    const payment = this.getPayment(id);
    const { order_id, amount_minor } = payment.created;
    const status = decision === 'approve' ? 'succeeded' : 'canceled';
    if (!successors[payment.status].includes(status)) return payment;
    if (status === 'succeeded') {
      this.record({ fact: 'payment_captured', at: now(), payment_id: id, order_id, amount_minor });
    } else {
      const cancellation = { party: 'payment_network', reason: 'general_decline' };
      this.record({ fact: 'payment_canceled', at: now(), payment_id: id, order_id, cancellation });
    }
    return payment;
  }

  /** @throws RequestRefused when less than the amount is left of what the payment captured. */
  refund({ key, sha256 }: KeyedRequest, request: RefundRequest): Refund {
    const payment = this.payments.get(request.payment_id);
    if (payment === undefined) throw invalidRequest('payment_id: names no payment', 'payment_id');
    if (payment.status !== 'succeeded') throw invalidRequest('payment_id: is not captured', 'payment_id');
    if (request.amount.currency !== payment.created.currency) {
      throw invalidRequest("amount.currency: is not the payment's", 'amount.currency');
    }
    if (request.amount.amountMinor > payment.capturedMinor - payment.refundedMinor) {
      throw invalidRequest('amount.value: is more than is left to refund', 'amount.value');
    }
    const id = randomUUID();
    this.record({
      fact: 'refund_succeeded',
      at: now(),
      id,
      idempotence_key: key,
      request_sha256: sha256,
      payment_id: payment.created.id,
      order_id: payment.created.order_id,
      amount_minor: request.amount.amountMinor,
      description: request.description ?? null,
      metadata: request.metadata,
    });
    return this.getRefund(id);
  }

  getPayment(id: string): Payment {
    const payment = this.known(id);
    this.cancelIfStale(payment);
    return payment;
  }

  getRefund(id: string): Refund {
    const refund = this.refunds.get(id);
    if (refund === undefined) throw notFound('This refund', 'refund_id');
    return refund;
  }

  /** Every payment of one order, or of all, oldest first. */
  list(orderId: string | null): Payment[] {
    const all = [...this.payments.values()];
    for (const payment of all) this.cancelIfStale(payment);
    return orderId === null ? all : all.filter((payment) => payment.created.order_id === orderId);
  }

  pageOfPayments(query: ListQuery): Page<Payment> {
    const page = pageOf(this.paymentsInOrder, query, ({ created }) => Date.parse(created.at));
    for (const payment of page.items) this.cancelIfStale(payment);
    return page;
  }

  pageOfRefunds(query: ListQuery): Page<Refund> {
    const { payment_id } = query;
    const isAskedFor = ({ payment }: Refund) => payment_id === undefined || payment.created.id === payment_id;
    return pageOf(this.refundsInOrder, query, ({ at }) => Date.parse(at), isAskedFor);
  }

  /** Takes up a fact of the ledger: at the start each old one, later each new one. */
  replay(fact: LedgerFact): void {
    switch (fact.fact) {
      case 'payment_created': {
        const payment = newborn(fact);
        this.payments.set(fact.id, payment);
        this.paymentsInOrder.push(payment);
        this.keys.set(fact.idempotence_key, { sha256: fact.request_sha256, made: { payment } });
        if (fact.status === 'succeeded') capture(payment, fact);
        return;
      }
      case 'payment_captured':
        capture(this.known(fact.payment_id), fact);
        return;
      case 'payment_canceled': {
        const payment = this.known(fact.payment_id);
        payment.status = 'canceled';
        payment.cancellation = fact.cancellation;
        return;
      }
      case 'refund_succeeded': {
        const payment = this.known(fact.payment_id);
        const refund = newRefund(fact, payment);
        payment.refundedMinor += fact.amount_minor;
        this.refunds.set(fact.id, refund);
        this.refundsInOrder.push(refund);
        this.keys.set(fact.idempotence_key, { sha256: fact.request_sha256, made: { refund } });
      }
    }
  }

  private known(id: string): Payment {
    const payment = this.payments.get(id);
    if (payment === undefined) throw notFound('This payment', 'payment_id');
    return payment;
  }

  // As the provider does about an hour after the customer was sent to its page.
  private cancelIfStale({ created, status }: Payment): void {
    if (status !== 'pending' || Date.now() < Date.parse(created.at) + this.pendingMs) return;
    const cancellation = { party: 'yoo_money', reason: 'expired_on_confirmation' };
    const { id: payment_id, order_id } = created;
    this.record({ fact: 'payment_canceled', at: now(), payment_id, order_id, cancellation });
  }

  private record(fact: LedgerFact): void {
    this.replay(fact);
    this.append(fact);
  }
}

function newborn(created: PaymentCreated): Payment {
  return {
    created,
    status: created.status,
    cancellation: created.cancellation,
    capturedAt: null,
    captures: 0,
    capturedMinor: 0,
    refundedMinor: 0,
  };
}

function newRefund(
  { id, at, amount_minor, description, metadata }: RefundSucceeded,
  payment: Payment,
): Refund {
  return { id, at, payment, amountMinor: amount_minor, description: description ?? null, metadata };
}

/** Goes back from the cursor, or from the newest, until the page is full or everything further is too old. */
function pageOf<T>(
  all: T[],
  { 'created_at.gte': sinceMs = 0, limit, cursor = all.length - 1 }: ListQuery,
  atMs: (item: T) => number,
  isAskedFor: (item: T) => boolean = () => true,
): Page<T> {
  const items: T[] = [];
  for (let index = Math.min(cursor, all.length - 1); index >= 0; index -= 1) {
    const item = all[index] as T;
    if (atMs(item) < sinceMs) break;
    if (!isAskedFor(item)) continue;
    if (items.length === limit) return { items, next: index };
    items.push(item);
  }
  return { items, next: null };
}

function capture(payment: Payment, fact: { at: string; amount_minor: number }): void {
  payment.status = 'succeeded';
  payment.capturedAt = fact.at;
  payment.captures += 1;
  payment.capturedMinor += fact.amount_minor;
}

function now(): string {
  return new Date().toISOString();
}
