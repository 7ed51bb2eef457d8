import type { IncomingHttpHeaders } from 'node:http';
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
import { toMinorUnits } from './yookassa-amount.js';
import {
  type ListAnswer,
  type PaymentAnswer,
  paymentIn,
  type RefundAnswer,
  readErrorAnswer,
  readNotificationBody,
  readPaymentAnswer,
  readRefundAnswer,
  refundIn,
} from './yookassa-answers.js';
import { declineReason, refundDeclineReason } from './yookassa-decline-reasons.js';
import { type Answer, explain, YookassaHttp, type YookassaOptions } from './yookassa-http.js';
import { createdAfter, paymentBody, refundBody, refundMark } from './yookassa-requests.js';

const DAY_MS = 86_400_000;

const notifications = new Map<string, 'payment' | 'refund'>([
  ['payment.waiting_for_capture', 'payment'],
  ['payment.succeeded', 'payment'],
  ['payment.canceled', 'payment'],
  ['refund.succeeded', 'refund'],
]);

/**
 * Charges through the YooKassa v3 protocol: YooKassa itself, or the bundled sandbox.
 *
 * A charge or a refund counts as failed only where YooKassa says so in its own words. Whatever else comes back, or
 * nothing, is OutcomeUnknown, whose message never holds the secret key or the customer's token.
 */
export class YookassaGateway extends PaymentGateway {
  override readonly name: string;
  override readonly keyLifeMs = DAY_MS;
  private readonly http: YookassaHttp;

  constructor(options: YookassaOptions) {
    super();
    this.name = options.name;
    this.http = new YookassaHttp(options);
  }

  override async charge(request: ChargeRequest): Promise<Charge> {
    const body = paymentBody(request, this.name === 'yookassa');
    const answer = await this.http.post('charge', '/payments', request.idempotency_key, body);
    if (answer.status === 400)
      return { ...this.refused('charge', answer, request.payment_token), provider_payment_id: null };
    const payment = this.readPayment('charge', answer);
    this.compare('charge', payment, request);
    return this.toCharge('charge', payment);
  }

  override async find(providerPaymentId: string): Promise<FoundCharge | null> {
    const answer = await this.findOne('find', 'payments', providerPaymentId);
    if (answer === null) return null;
    const payment = this.readPayment('find', answer);
    if (payment.id !== providerPaymentId) throw this.http.unknown('find', 'the answer names another payment');
    const amount_minor = toMinorUnits(payment.amount);
    if (amount_minor === null) throw this.http.unknown('find', 'an amount that its currency does not have');
    return {
      charge: this.toCharge('find', payment),
      amount_minor,
      currency: payment.amount.currency,
      order_id: payment.metadata?.order_id ?? null,
      idempotency_key: payment.metadata?.idempotency_key ?? null,
    };
  }

  override async findByRequest(request: ChargeRequest, since: Date): Promise<Charge | null> {
    const what = 'find by request';
    const ofOrder = (item: ListAnswer['items'][number]) => item.metadata?.order_id === request.order_id;
    const items = await this.http.list(what, '/payments', createdAfter(since), ofOrder);
    const payments = items.map((item) => {
      const payment = paymentIn(item);
      if (payment === null)
        throw this.http.listMissing(what, 'a list with half a payment of this order in it');
      return payment;
    });
    // A payment from before keys were sent along can only be told from the declined ones before it.
    const found = payments.find(({ metadata, status }) =>
      metadata?.idempotency_key === undefined
        ? status !== 'canceled'
        : metadata.idempotency_key === request.idempotency_key,
    );
    if (found === undefined) return null;
    this.compare(what, found, request);
    return this.toCharge(what, found);
  }

  override async refund(request: RefundRequest): Promise<ProviderRefund> {
    const answer = await this.http.post('refund', '/refunds', request.idempotency_key, refundBody(request));
    if (answer.status === 400) return { ...this.refused('refund', answer, null), provider_refund_id: null };
    const refund = this.readRefund('refund', answer);
    this.compareRefund('refund', refund, request);
    return toRefund(refund);
  }

  override async findRefund(providerRefundId: string): Promise<ProviderRefund | null> {
    const what = 'find refund';
    const answer = await this.findOne(what, 'refunds', providerRefundId);
    if (answer === null) return null;
    const refund = this.readRefund(what, answer);
    if (refund.id !== providerRefundId) throw this.http.unknown(what, 'the answer names another refund');
    return toRefund(refund);
  }

  override async findRefundByRequest(request: RefundRequest, since: Date): Promise<ProviderRefund | null> {
    const what = 'find refund by request';
    const params = { payment_id: request.provider_payment_id, ...createdAfter(since) };
    const mark = refundMark(request);
    const isOurs = (item: ListAnswer['items'][number]) => item.description?.endsWith(mark) === true;
    const [item] = await this.http.list(what, '/refunds', params, isOurs);
    if (item === undefined) return null;
    const refund = refundIn(item);
    if (refund === null) throw this.http.listMissing(what, 'a list with half a refund in it');
    this.compareRefund(what, refund, request);
    return toRefund(refund);
  }

  /** YooKassa signs nothing: anybody may have sent this, and it only tells what to read back. */
  override readNotification(body: Buffer, _headers: IncomingHttpHeaders): Notification {
    const notification = readNotificationBody(body.toString());
    if (notification === null) throw new NotificationRefused('it is no notification of YooKassa');
    const { event: type, object } = notification;
    const about = notifications.get(type);
    if (about === undefined) return { about: 'something else', type };
    if (object.id === undefined) throw new NotificationRefused(`${type} does not say of what`);
    return about === 'payment'
      ? { about, type, provider_payment_id: object.id, event_id: null }
      : { about, type, provider_refund_id: object.id, event_id: null };
  }

  private async findOne(what: string, list: 'payments' | 'refunds', id: string): Promise<Answer | null> {
    // YooKassa issues nothing else; and an id such as `..` would ask for another address.
    if (!/^[\w-]{1,64}$/.test(id)) return null;
    const answer = await this.http.get(what, `/${list}/${id}`);
    // Only YooKassa's own word: the 404 of a mistyped address must not make a charge disappear.
    const isMissing = answer.status === 404 && readErrorAnswer(answer.body)?.code === 'not_found';
    return isMissing ? null : answer;
  }

  /** A 400: a definite refusal, unless it is about the key. */
  private refused(what: string, answer: Answer, token: string | null) {
    const error = readErrorAnswer(answer.body);
    if (error?.code !== 'invalid_request') throw this.http.unknown(what, 'a 400 that is not invalid_request');
    // "Idempotence key duplicated": the key stands for an earlier request with another body, which went through.
    if (/idempoten/i.test(`${error.parameter} ${error.description}`))
      throw this.http.unknown(what, 'the idempotence key was used with another body before');
    const description = error.description || 'The payment provider refused the request.';
    return {
      status: 'failed' as const,
      failure_code: 'invalid_request',
      failure_reason: this.http.quoted(description, token),
    };
  }

  private readPayment(what: string, answer: Answer): PaymentAnswer {
    if (answer.status !== 200) throw this.http.unknown(what, explain(answer));
    const payment = readPaymentAnswer(answer.body);
    if (payment === null) throw this.http.unknown(what, 'a 200 without a complete payment in it');
    return payment;
  }

  private readRefund(what: string, answer: Answer): RefundAnswer {
    if (answer.status !== 200) throw this.http.unknown(what, explain(answer));
    const refund = readRefundAnswer(answer.body);
    if (refund === null) throw this.http.unknown(what, 'a 200 without a complete refund in it');
    return refund;
  }

  /** @throws OutcomeUnknown naming what the provider's payment says otherwise than the request it should answer. */
  private compare(what: string, { amount, metadata }: PaymentAnswer, request: ChargeRequest): void {
    this.compareAmount(what, amount, request);
    if (metadata?.order_id !== request.order_id) throw this.differs(what, 'order');
    // Whatever is found or answered without a key was made before keys were sent along.
    const key = metadata.idempotency_key ?? request.idempotency_key;
    if (key !== request.idempotency_key) throw this.differs(what, 'idempotency key');
  }

  private compareRefund(what: string, { amount, payment_id }: RefundAnswer, request: RefundRequest): void {
    this.compareAmount(what, amount, request);
    if (payment_id !== request.provider_payment_id) throw this.differs(what, 'payment');
  }

  private compareAmount(
    what: string,
    amount: PaymentAnswer['amount'],
    request: { amount_minor: number; currency: string },
  ): void {
    if (amount.currency !== request.currency) throw this.differs(what, 'currency');
    if (toMinorUnits(amount) !== request.amount_minor) throw this.differs(what, 'amount');
  }

  private differs(what: string, member: string) {
    return this.http.unknown(what, `the answer names another ${member}`);
  }

  private toCharge(what: string, payment: PaymentAnswer): Charge {
    const provider_payment_id = payment.id;
    switch (payment.status) {
      case 'succeeded':
        if (!payment.paid) throw this.http.unknown(what, 'a payment that is succeeded and not paid');
        return { status: 'succeeded', provider_payment_id };
      case 'canceled': {
        const failure_code = payment.cancellation_details?.reason ?? 'canceled';
        const failure_reason = declineReason(failure_code);
        return { status: 'failed', provider_payment_id, failure_code, failure_reason };
      }
      // Charges are captured at once, so waiting for it is the provider's own step on the way.
      case 'waiting_for_capture':
      case 'pending': {
        const confirmation_url = payment.confirmation?.confirmation_url ?? null;
        return { status: 'pending', provider_payment_id, confirmation_url };
      }
    }
  }
}

function toRefund({ id, status, cancellation_details }: RefundAnswer): ProviderRefund {
  if (status !== 'canceled') return { status, provider_refund_id: id };
  const failure_code = cancellation_details?.reason ?? 'canceled';
  const failure_reason = refundDeclineReason(failure_code);
  return { status: 'failed', provider_refund_id: id, failure_code, failure_reason };
}
