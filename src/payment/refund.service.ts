import { Injectable, Logger } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { InstanceService } from '../platform/database/instance.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Money } from '../platform/money.js';
import { uuidv7 } from '../platform/uuid.js';
import { type PaymentGateway, type ProviderRefund } from './gateway/payment-gateway.js';
import { PaymentGateways } from './gateway/payment-gateways.js';
import { PaymentNotFound, RefundNotFound, RefundTooLarge } from './payment.errors.js';
import { PaymentOutcomes } from './payment.metrics.js';
import { PaymentRepository } from './payment.repository.js';
import { MANUAL, type NewRefund, type Payment, type Refund } from './payment.types.js';
import { askProvider, callMs, mayBeForgotten, send } from './payment-calls.js';
import { mayRefundBecome, refundKey } from './payment-states.js';
import { RefundRepository } from './refund.repository.js';

/**
 * Money that goes back. Like an attempt to charge, a refund and its exact parameters are committed before the provider is
 * called, outside of any transaction; its outcome is written by `settle`. Whoever drives them locks the order first.
 */
@Injectable()
export class RefundService {
  private readonly logger = new Logger(RefundService.name);

  constructor(
    private readonly repository: RefundRepository,
    private readonly payments: PaymentRepository,
    private readonly gateways: PaymentGateways,
    private readonly events: EventService,
    private readonly database: DatabaseService,
    private readonly instance: InstanceService,
    private readonly config: Config,
    private readonly money: Money,
    private readonly outcomes: PaymentOutcomes,
  ) {}

  /**
   * Notes a refund and promises its amount. Ours to make when `isOurs`, else whoever recovers makes it. What an admin took
   * by hand goes back by hand: that is settled at once. The order must be locked in `tx`.
   * @throws RefundTooLarge: never more goes back than was captured, and the table's CHECK stands behind that.
   */
  async begin(
    { payment, amount_minor, cause, reason }: NewRefund,
    isOurs: boolean,
    tx: Tx,
  ): Promise<{ refund: Refund; payment: Payment; settledNow: boolean }> {
    const left = refundableOf(payment);
    if (amount_minor > left || left === 0)
      throw new RefundTooLarge(this.money.majorOf(amount_minor), this.money.majorOf(left));
    const { id: payment_id, order_id, currency, provider, provider_payment_id } = payment;
    const number = (await this.repository.ofOrderIn(order_id, tx)).length + 1;
    const idempotency_key = refundKey(order_id, number);
    const request = {
      idempotency_key,
      order_id,
      provider_payment_id: provider_payment_id ?? '',
      amount_minor,
      currency,
      reason,
    };
    const row = { order_id, payment_id, number, cause, reason, amount_minor, currency, provider };
    const busy = isOurs ? { instanceId: this.instance.id, ms: callMs(this.config) } : null;
    await this.payments.reserveRefund(payment_id, amount_minor, tx);
    const refund = await this.repository.insert({ id: uuidv7(), ...row, idempotency_key, request }, busy, tx);
    if (provider !== MANUAL) return { refund, payment, settledNow: false };
    return this.settle(refund.id, { status: 'succeeded', provider_refund_id: refund.id }, tx);
  }

  /**
   * Makes the call of a refund with its committed key and parameters, or asks what became of it. Never inside a transaction;
   * safe to repeat. @returns null when the outcome is unknown.
   */
  async ask(refund: Refund): Promise<ProviderRefund | null> {
    const { id, order_id, provider } = refund;
    const ask = (gateway: PaymentGateway) => this.askAt(gateway, refund);
    return askProvider(
      { kind: 'refund', id, order_id, provider },
      this.gateways.find(provider),
      ask,
      this.logger,
    );
  }

  private async askAt(gateway: PaymentGateway, refund: Refund): Promise<ProviderRefund | null> {
    const { provider_refund_id, request, created_at } = refund;
    if (provider_refund_id !== null) return gateway.findRefund(provider_refund_id);
    const look = () => gateway.findRefundByRequest(request, created_at);
    // A provider that has forgotten the key would give the money back once more.
    const made = mayBeForgotten(refund, gateway) ? await look() : null;
    return made ?? send(refund, () => gateway.refund(request), look);
  }

  /**
   * Writes what the provider has said of a refund; null is "unknown". The order must be locked in `tx`. Idempotent.
   * @returns the refund and its payment as they now are, and whether this has settled it.
   */
  async settle(
    id: string,
    answer: ProviderRefund | null,
    tx: Tx,
  ): Promise<{ refund: Refund; payment: Payment; settledNow: boolean }> {
    const before = await this.repository.lock(id, tx);
    if (!before) throw new RefundNotFound();
    const asItIs = async () => ({
      refund: before,
      payment: await this.paymentOf(before, tx),
      settledNow: false,
    });
    if (!mayRefundBecome(before.status, answer?.status ?? 'unknown')) return asItIs();
    const refund = await this.repository.settle(id, answer, this.config.env.PAYMENT_RECOVERY_SECONDS, tx);
    this.outcomes.noteRefund(before.status, refund, tx);
    if (refund.status !== 'succeeded' && refund.status !== 'failed')
      return { refund, payment: await this.paymentOf(refund, tx), settledNow: false };
    const payment = await this.book(before, refund, tx);
    if (refund.status === 'succeeded') await this.tell(refund, payment, tx);
    return { refund, payment, settledNow: true };
  }

  // What was promised ends with the refund. One that had succeeded and was given up since has taken its promise before.
  private async book(before: Refund, { payment_id, status, amount_minor }: Refund, tx: Tx): Promise<Payment> {
    const promised = before.status === 'succeeded' ? 0 : amount_minor;
    const given = status === 'succeeded' ? amount_minor : 0;
    const taken = before.status === 'succeeded' ? amount_minor : 0;
    return this.payments.settleRefund(payment_id, promised, given - taken, tx);
  }

  /** Takes refunds that are due and that nobody is at. */
  async claimDue(limit: number): Promise<Refund[]> {
    return this.database.transaction((tx) =>
      this.repository.claimDue(this.instance.id, callMs(this.config), limit, tx),
    );
  }

  /** Takes one refund that is not settled if nobody is at it, else null. The order must be locked in `tx`. */
  async claimOne(id: string, tx: Tx): Promise<Refund | null> {
    return this.repository.claimOne(id, this.instance.id, callMs(this.config), tx);
  }

  /** Refunds that the provider has refused while their orders have come to nothing, and that are due to be tried anew. */
  async findRefused(limit: number): Promise<Refund[]> {
    return this.repository.findRefused(limit);
  }

  /** An order's refunds, oldest first. Whose order it is, is for the caller to check. */
  async ofOrder(orderId: string): Promise<Refund[]> {
    return this.repository.ofOrder(orderId);
  }

  /** `ofOrder`, so many of them at most, from above the number `after`. */
  async pageOfOrder(orderId: string, after: number, limit: number): Promise<Refund[]> {
    return this.repository.pageOfOrder(orderId, after, limit);
  }

  /** How many refunds an order has. */
  async countOfOrder(orderId: string): Promise<number> {
    return this.repository.countOfOrder(orderId);
  }

  /** An order's refunds, oldest first, as `tx` sees them. */
  async ofOrderIn(orderId: string, tx: Tx): Promise<Refund[]> {
    return this.repository.ofOrderIn(orderId, tx);
  }

  private async paymentOf({ payment_id }: Refund, tx: Tx): Promise<Payment> {
    const payment = await this.payments.findIn(payment_id, tx);
    if (!payment) throw new PaymentNotFound();
    return payment;
  }

  private async tell(refund: Refund, payment: Payment, tx: Tx): Promise<void> {
    const { id: refund_id, order_id, payment_id, amount_minor, currency, provider, reason } = refund;
    const data = {
      refund_id,
      payment_id,
      order_id,
      amount: this.money.majorOf(amount_minor),
      refunded_amount: this.money.majorOf(payment.refunded_minor),
      currency,
      provider,
      reason,
    };
    await this.events.append([{ type: 'payment.refunded', data }], tx);
  }
}

/** What can still be given back of a payment, in minor units. */
export function refundableOf({ status, amount_minor, refunded_minor, refunding_minor }: Payment): number {
  return status === 'succeeded' ? amount_minor - refunded_minor - refunding_minor : 0;
}
