import type { IncomingHttpHeaders } from 'node:http';
import Stripe from 'stripe';
import {
  type Charge,
  type ChargeRequest,
  type FoundCharge,
  type Notification,
  NotificationRefused,
  PaymentGateway,
  type ProviderRefund,
  type RefundRequest,
} from './payment-gateway.js';
import { fromStripeAmount } from './stripe-amount.js';
import {
  type Intent,
  readEvent,
  readIntent,
  readList,
  readRefund,
  type StripeList,
} from './stripe-answers.js';
import { astray, FaultRepeated, isRefusal, type Refusal, StripeCall } from './stripe-call.js';
import { stripeFetch } from './stripe-fetch.js';
import { notificationOf } from './stripe-notifications.js';
import {
  compareIntent,
  compareRefund,
  type Failure,
  failureIn,
  failureOfCanceled,
  isDeclined,
  isMissing,
  isOver,
  toRefund,
  waitsForCustomer,
} from './stripe-outcomes.js';
import { intentParams, refundParams } from './stripe-requests.js';

export interface StripeGatewayOptions {
  secretKey: string;
  webhookSecret: string;
  /** An origin: `https://api.stripe.com`, or anything that speaks its protocol. */
  apiUrl: string;
  /** For the whole of a call, whatever requests it takes: connecting, sending, waiting, and reading the last byte. */
  timeoutMs: number;
}

type Item = StripeList['data'][number];

const DAY_MS = 86_400_000;
const CLOCK_MARGIN_SECONDS = 300;
const PAGE_SIZE = 100;
const PAGES_MAX = 200;
/** Intents never end by themselves; one that its customer has left for so long is cancelled when it is looked at. */
const PENDING_MAX_MS = DAY_MS;

/**
 * Charges through Stripe's PaymentIntents, with its own SDK.
 *
 * A decline leaves an intent behind that could still be confirmed. So that `failed` is final, it is cancelled first, also
 * where a charge is only read back; while it is not known to be cancelled, the outcome is unknown. Messages never hold the
 * secret key, and of the token only what Stripe's own words do without.
 */
export class StripeGateway extends PaymentGateway {
  override readonly name = 'stripe';
  override readonly keyLifeMs = DAY_MS;
  private readonly stripe: Stripe;

  constructor(private readonly options: StripeGatewayOptions) {
    super();
    const { protocol, hostname, port } = new URL(options.apiUrl);
    const isPlain = protocol === 'http:';
    this.stripe = new Stripe(options.secretKey, {
      host: hostname,
      port: port || (isPlain ? 80 : 443),
      protocol: isPlain ? 'http' : 'https',
      httpClient: Stripe.createFetchHttpClient(stripeFetch),
      maxNetworkRetries: 0,
      telemetry: false,
    });
  }

  override async charge(request: ChargeRequest): Promise<Charge> {
    const call = this.call('charge');
    const params = intentParams(request);
    const key = { idempotencyKey: request.idempotency_key };
    let made: object | Refusal;
    try {
      made = await call.ask((each) => this.stripe.paymentIntents.create(params, { ...each, ...key }));
    } catch (error) {
      if (error instanceof FaultRepeated) return this.search(call, request, error);
      throw error;
    }
    if (isRefusal(made)) return this.refused(call, made, request);
    const intent = call.need(readIntent(made), 'an answer without a complete PaymentIntent');
    compareIntent(call, intent, request);
    // A repeated key is answered as it was the first time: what was not final then may have ended since.
    return this.conclude(call, isOver(intent) ? intent : await this.retrieve(call, intent.id));
  }

  override async find(providerPaymentId: string): Promise<FoundCharge | null> {
    if (!/^pi_\w{1,250}$/.test(providerPaymentId)) return null;
    const call = this.call('find');
    const answer = await call.ask((each) => this.stripe.paymentIntents.retrieve(providerPaymentId, {}, each));
    if (isRefusal(answer)) return isMissing(answer) ? null : this.give(call, answer);
    const intent = call.need(readIntent(answer), 'an answer without a complete PaymentIntent');
    if (intent.id !== providerPaymentId) throw call.unknown('the answer names another payment');
    const currency = intent.currency.toUpperCase();
    const amount_minor = call.need(
      fromStripeAmount(intent.amount, currency),
      'an amount that we do not have',
    );
    return {
      charge: await this.conclude(call, intent),
      amount_minor,
      currency,
      order_id: intent.metadata?.order_id ?? null,
      idempotency_key: intent.metadata?.idempotency_key ?? null,
    };
  }

  /** Reads the list of all intents since then: Stripe's search is by metadata, but may be a minute behind, or an hour. */
  override async findByRequest(request: ChargeRequest, since: Date): Promise<Charge | null> {
    const call = this.call('find by request');
    const created = { gte: Math.floor(since.getTime() / 1_000) - CLOCK_MARGIN_SECONDS };
    const item = await this.findInList(call, request.idempotency_key, (page, each) =>
      this.stripe.paymentIntents.list({ ...page, created }, each),
    );
    if (item === null) return null;
    const intent = readIntent(item);
    if (intent === null) throw call.listMissing('a list with half a PaymentIntent in it');
    compareIntent(call, intent, request);
    return this.conclude(call, intent);
  }

  override async refund(request: RefundRequest): Promise<ProviderRefund> {
    const call = this.call('refund');
    const params = refundParams(request);
    const key = { idempotencyKey: request.idempotency_key };
    let made: object | Refusal;
    try {
      made = await call.ask((each) => this.stripe.refunds.create(params, { ...each, ...key }));
    } catch (error) {
      if (!(error instanceof FaultRepeated)) throw error;
      const refund = await this.refundOf(call, request);
      if (refund === null) throw error;
      return refund;
    }
    if (isRefusal(made)) {
      if (made.status === 404) return this.give(call, made);
      return { ...failureIn(made, this.secrets(null)), provider_refund_id: null };
    }
    const refund = call.need(readRefund(made), 'an answer without a complete Refund');
    compareRefund(call, refund, request);
    // As with charges: what was not final when the key was first used may have ended since.
    return refund.status === 'succeeded' ? toRefund(refund) : this.readBack(call, refund.id);
  }

  override async findRefund(providerRefundId: string): Promise<ProviderRefund | null> {
    if (!/^\w{1,255}$/.test(providerRefundId)) return null;
    const call = this.call('find refund');
    const answer = await call.ask((each) => this.stripe.refunds.retrieve(providerRefundId, {}, each));
    if (isRefusal(answer)) return isMissing(answer) ? null : this.give(call, answer);
    const refund = call.need(readRefund(answer), 'an answer without a complete Refund');
    if (refund.id !== providerRefundId) throw call.unknown('the answer names another refund');
    return toRefund(refund);
  }

  /** A payment has few refunds, so that `since` is not needed. */
  override async findRefundByRequest(request: RefundRequest, _since: Date): Promise<ProviderRefund | null> {
    return this.refundOf(this.call('find refund by request'), request);
  }

  override readNotification(body: Buffer, headers: IncomingHttpHeaders): Notification {
    const signature = headers['stripe-signature'];
    if (typeof signature !== 'string') throw new NotificationRefused('it has no signature');
    let event: unknown;
    try {
      // Signature and age first, with the SDK's own tolerance of 300 seconds; then JSON.
      event = this.stripe.webhooks.constructEvent(body, signature, this.options.webhookSecret);
    } catch (error) {
      const isForged = error instanceof Stripe.errors.StripeSignatureVerificationError;
      throw new NotificationRefused(isForged ? 'its signature is wrong or too old' : 'it cannot be read');
    }
    const notification = readEvent(event);
    if (notification === null) throw new NotificationRefused('it is no event of Stripe');
    return notificationOf(notification);
  }

  /** What became of a charge whose key is answered with a fault: what the search finds is ours, what it lacks may be late. */
  private async search(call: StripeCall, request: ChargeRequest, fault: FaultRepeated): Promise<Charge> {
    const query = `metadata['idempotency_key']:'${request.idempotency_key.replace(/['\\]/g, '')}'`;
    const answer = await call.ask((each) => this.stripe.paymentIntents.search({ query, limit: 1 }, each));
    if (isRefusal(answer)) throw fault;
    const [found] = call.need(readList(answer), 'an answer without a list in it').data;
    if (found === undefined) throw fault;
    const intent = await this.retrieve(call, found.id);
    compareIntent(call, intent, request);
    return this.conclude(call, intent);
  }

  private async refused(call: StripeCall, refusal: Refusal, request: ChargeRequest): Promise<Charge> {
    if (refusal.status === 404) return this.give(call, refusal);
    const failure = failureIn(refusal, this.secrets(request.payment_token));
    if (refusal.intent === null) return { ...failure, provider_payment_id: null };
    compareIntent(call, refusal.intent, request);
    return this.conclude(call, refusal.intent, failure);
  }

  /** Says what an intent amounts to. One that is declined, or that its customer has left, is cancelled first. */
  private async conclude(call: StripeCall, intent: Intent, failure?: Failure): Promise<Charge> {
    const isDead = failure !== undefined || isDeclined(intent) || isStale(intent);
    const settled = isDead && waitsForCustomer(intent) ? await this.cancel(call, intent.id) : intent;
    const provider_payment_id = settled.id;
    switch (settled.status) {
      case 'succeeded':
        if (settled.amount_received !== settled.amount)
          throw call.unknown('a payment that is succeeded and not received in full');
        return { status: 'succeeded', provider_payment_id };
      case 'canceled': {
        // Before it was cancelled it had more to say.
        const because =
          failure ?? failureOfCanceled(isDeclined(intent) ? intent : settled, this.secrets(null));
        return { ...because, provider_payment_id };
      }
      case 'processing':
      case 'requires_capture':
        return { status: 'pending', provider_payment_id, confirmation_url: null };
      default: {
        if (isDead) throw call.unknown('a payment that does not let itself be cancelled');
        const confirmation_url = settled.next_action?.redirect_to_url?.url ?? null;
        return { status: 'pending', provider_payment_id, confirmation_url };
      }
    }
  }

  /** Cancels an intent that nothing has been paid for. @returns it as it now is, whatever came first. */
  private async cancel(call: StripeCall, id: string): Promise<Intent> {
    const params = { cancellation_reason: 'abandoned' } as const;
    const answer = await call.ask((each) => this.stripe.paymentIntents.cancel(id, params, each));
    if (!isRefusal(answer))
      return call.need(readIntent(answer), 'an answer without a complete PaymentIntent');
    if (answer.code !== 'payment_intent_unexpected_state') return this.give(call, answer);
    return this.retrieve(call, id);
  }

  private async retrieve(call: StripeCall, id: string): Promise<Intent> {
    const answer = await call.ask((each) => this.stripe.paymentIntents.retrieve(id, {}, each));
    if (isRefusal(answer)) return this.give(call, answer);
    return call.need(readIntent(answer), 'an answer without a complete PaymentIntent');
  }

  private async readBack(call: StripeCall, refundId: string): Promise<ProviderRefund> {
    const answer = await call.ask((each) => this.stripe.refunds.retrieve(refundId, {}, each));
    if (isRefusal(answer)) return this.give(call, answer);
    return toRefund(call.need(readRefund(answer), 'an answer without a complete Refund'));
  }

  private async refundOf(call: StripeCall, request: RefundRequest): Promise<ProviderRefund | null> {
    const payment_intent = request.provider_payment_id;
    const item = await this.findInList(call, request.idempotency_key, (page, each) =>
      this.stripe.refunds.list({ ...page, payment_intent }, each),
    );
    if (item === null) return null;
    const refund = readRefund(item);
    if (refund === null) throw call.listMissing('a list with half a Refund in it');
    compareRefund(call, refund, request);
    return toRefund(refund);
  }

  /** Reads a list until something with this key comes, or to its end: "nothing" means that it may be sent again. */
  private async findInList(
    call: StripeCall,
    key: string,
    read: (page: { limit: number; starting_after?: string }, each: Stripe.RequestOptions) => Promise<object>,
  ): Promise<Item | null> {
    let starting_after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const position = { limit: PAGE_SIZE, ...(starting_after !== undefined && { starting_after }) };
      const { data, has_more } = await call.page((each) => read(position, each));
      const item = data.find(({ metadata }) => metadata?.idempotency_key === key);
      if (item !== undefined) return item;
      starting_after = data.at(-1)?.id;
      if (!has_more) return null;
      if (starting_after === undefined) throw call.listMissing('a list that goes on after nothing');
    }
    throw call.listMissing(`the list has more than ${PAGES_MAX} pages`);
  }

  private call(what: string): StripeCall {
    return new StripeCall(what, this.options.timeoutMs);
  }

  private give(call: StripeCall, refusal: Refusal): never {
    throw call.unknown(astray(refusal));
  }

  private secrets(token: string | null): (string | null)[] {
    return [this.options.secretKey, this.options.webhookSecret, token];
  }
}

function isStale({ created }: Intent): boolean {
  return Date.now() - created * 1_000 > PENDING_MAX_MS;
}
