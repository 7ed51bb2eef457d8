import { Injectable, Logger } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { InstanceService } from '../platform/database/instance.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Caller } from '../platform/http/caller.js';
import { Money } from '../platform/money.js';
import { uuidv7 } from '../platform/uuid.js';
import { type Charge, ListMissing, type PaymentGateway } from './gateway/payment-gateway.js';
import { PaymentGateways } from './gateway/payment-gateways.js';
import { PaymentNotFound } from './payment.errors.js';
import { PaymentOutcomes } from './payment.metrics.js';
import { type AttemptRow, PaymentRepository } from './payment.repository.js';
import type { AcceptedMoney, NewAttempt, Payment } from './payment.types.js';
import { askProvider, callMs, mayBeForgotten, send } from './payment-calls.js';
import { attemptKey, isLive, mayAttemptBecome } from './payment-states.js';

/** So long after an order has ended, a request of it that the provider does not know has not arrived and will not. */
const NEVER_SENT_AFTER_MS = 600_000;

/**
 * Attempts to charge orders. An attempt and its exact parameters are committed before the provider is called; the call is
 * made outside of any transaction; its outcome is written by `settle`. Whoever drives them locks the order first.
 */
@Injectable()
export class PaymentService {
  private readonly logger = new Logger(PaymentService.name);
  /** How long one call to the provider and its settlement may take, in milliseconds. */
  readonly callMs: number;

  constructor(
    private readonly repository: PaymentRepository,
    private readonly gateways: PaymentGateways,
    private readonly events: EventService,
    private readonly database: DatabaseService,
    private readonly instance: InstanceService,
    private readonly config: Config,
    private readonly money: Money,
    private readonly outcomes: PaymentOutcomes,
  ) {
    this.callMs = callMs(config);
  }

  /** Notes the first attempts of new orders, ours to make. In the transaction that makes the orders. */
  async beginFirst(attempts: NewAttempt[], tx: Tx): Promise<void> {
    if (attempts.length === 0) return;
    const rows = attempts.map((attempt) => this.rowOf(attempt, 1));
    await this.repository.insertAttempts(rows, this.gateways.current.name, this.instance.id, this.callMs, tx);
  }

  /** The attempt to pay this order that is live or captured, or null. There is never more than one. */
  async findStanding(orderId: string, tx: Tx): Promise<Payment | null> {
    const attempts = await this.repository.ofOrderIn(orderId, tx);
    return attempts.find(({ status }) => status !== 'failed') ?? null;
  }

  /**
   * Notes the next attempt, ours to make. The order must be locked in `tx` and have no standing attempt: the number goes up
   * only after a definite decline, and a unique index stands behind that.
   */
  async beginNext(attempt: NewAttempt, tx: Tx): Promise<Payment> {
    const row = this.rowOf(attempt, (await this.repository.ofOrderIn(attempt.order_id, tx)).length + 1);
    const [payment] = await this.repository.insertAttempts(
      [row],
      this.gateways.current.name,
      this.instance.id,
      this.callMs,
      tx,
    );
    return payment as Payment;
  }

  /** Records money that an admin has accepted by hand, as captured. The order must be locked in `tx`. */
  async recordAccepted(
    { order_id, amount_minor, currency, reference }: AcceptedMoney,
    tx: Tx,
  ): Promise<void> {
    const attempt = (await this.repository.ofOrderIn(order_id, tx)).length + 1;
    const idempotency_key = attemptKey(order_id, attempt);
    const row = {
      id: uuidv7(),
      order_id,
      attempt,
      amount_minor,
      currency,
      provider_payment_id: reference,
      idempotency_key,
    };
    const accepted = await this.repository.insertAccepted(row, tx);
    this.outcomes.notePayment(null, accepted, tx);
    await this.tell(accepted, tx);
  }

  /**
   * Makes the call of an attempt: charges with its committed key and parameters, or asks what became of it when the
   * provider has named it before. Never inside a transaction; safe to repeat. @returns null when the outcome is unknown.
   */
  async ask(payment: Payment): Promise<Charge | null> {
    const { id, order_id, provider } = payment;
    const ask = (gateway: PaymentGateway) => this.askAt(gateway, payment);
    return askProvider(
      { kind: 'payment', id, order_id, provider },
      this.gateways.find(provider),
      ask,
      this.logger,
    );
  }

  private async askAt(gateway: PaymentGateway, payment: Payment): Promise<Charge | null> {
    const { provider_payment_id, request, created_at, order_ended_ms } = payment;
    const look = () => gateway.findByRequest(request, created_at);
    // A provider that has lost a charge it had named is unknown, too: charging anew might charge twice.
    if (provider_payment_id !== null) return (await gateway.find(provider_payment_id))?.charge ?? null;
    if (order_ended_ms !== null) return this.askForEnded(gateway, payment, order_ended_ms, look);
    // A provider that has forgotten the key would charge once more.
    const made = mayBeForgotten(payment, gateway) ? await look() : null;
    return made ?? send(payment, () => gateway.charge(request), look);
  }

  // Sending the request might be what charges for an order that nobody wants any more: it is only looked for. Where there is
  // nowhere to look, only its key can tell, and what it turns out to have charged goes back.
  private async askForEnded(
    gateway: PaymentGateway,
    payment: Payment,
    endedMs: number,
    look: () => Promise<Charge | null>,
  ): Promise<Charge | null> {
    try {
      const made = await look();
      if (made || endedMs < NEVER_SENT_AFTER_MS) return made;
    } catch (error) {
      if (!(error instanceof ListMissing) || mayBeForgotten(payment, gateway)) throw error;
      return send(payment, () => gateway.charge(payment.request), look);
    }
    const failure_reason = 'The order had ended before the payment was made.';
    return { status: 'failed', provider_payment_id: null, failure_code: 'order_ended', failure_reason };
  }

  /**
   * Writes what the provider has said of an attempt; null is "unknown". The order must be locked in `tx`. Idempotent: an
   * attempt that is settled stays as it is. @returns the attempt as it now is, and whether this has settled it.
   */
  async settle(
    id: string,
    charge: Charge | null,
    tx: Tx,
  ): Promise<{ payment: Payment; settledNow: boolean }> {
    const before = await this.repository.lock(id, tx);
    if (!before) throw new PaymentNotFound();
    if (!(await this.mayBecome(before, charge?.status ?? 'unknown', tx)))
      return { payment: before, settledNow: false };
    const payment = await this.repository.settle(id, charge, this.config.env.PAYMENT_RECOVERY_SECONDS, tx);
    this.outcomes.notePayment(before.status, payment, tx);
    if (isLive(payment.status)) return { payment, settledNow: false };
    await this.tell(payment, tx);
    return { payment, settledNow: true };
  }

  private async mayBecome(before: Payment, to: Payment['status'], tx: Tx): Promise<boolean> {
    if (!mayAttemptBecome(before.status, to)) return false;
    if (before.status !== 'failed') return true;
    const { id: payment_id, order_id } = before;
    this.logger.warn({ payment_id, order_id }, 'a payment that had failed is captured');
    if (!(await this.findStanding(order_id, tx))) return true;
    this.logger.error(
      { payment_id, order_id },
      'it was paid otherwise meanwhile: give this money back by hand',
    );
    return false;
  }

  /** Takes attempts that are due and that nobody is at, so that no other instance asks about them meanwhile. */
  async claimDue(limit: number): Promise<Payment[]> {
    return this.database.transaction((tx) =>
      this.repository.claimDue(this.instance.id, this.callMs, limit, tx),
    );
  }

  /** Takes the live attempts of these orders that nobody is at. */
  async claimOfOrders(orderIds: string[]): Promise<Payment[]> {
    return this.database.transaction((tx) =>
      this.repository.claimOfOrders(orderIds, this.instance.id, this.callMs, tx),
    );
  }

  /** Takes one live attempt if nobody is at it, else null. */
  async claimOne(id: string, tx: Tx): Promise<Payment | null> {
    return this.repository.claimOne(id, this.instance.id, this.callMs, tx);
  }

  /** The attempts to pay an order, oldest first. Whose order it is, is for the caller to check. */
  async ofOrder(orderId: string): Promise<Payment[]> {
    return this.repository.ofOrder(orderId);
  }

  /** The attempt that the provider knows by this id, or else the one that was made under this key; null when it is not ours. */
  async findOfProvider(
    provider: string,
    providerPaymentId: string,
    idempotencyKey: string | null,
  ): Promise<Payment | null> {
    const named = await this.repository.findByProviderId(provider, providerPaymentId);
    if (named || idempotencyKey === null) return named;
    const keyed = await this.repository.findByKey(idempotencyKey);
    return keyed?.provider === provider && keyed.provider_payment_id === null ? keyed : null;
  }

  /** `ofOrder`, so many of them at most, from above the attempt `after`. */
  async pageOfOrder(orderId: string, after: number, limit: number): Promise<Payment[]> {
    return this.repository.pageOfOrder(orderId, after, limit);
  }

  /** How many attempts to pay an order there were. */
  async countOfOrder(orderId: string): Promise<number> {
    return this.repository.countOfOrder(orderId);
  }

  /** A payment as `tx` sees it. @throws PaymentNotFound */
  async getIn(id: string, tx: Tx): Promise<Payment> {
    const payment = await this.repository.findIn(id, tx);
    if (!payment) throw new PaymentNotFound();
    return payment;
  }

  /** The attempts to pay an order, oldest first, as `tx` sees them. */
  async ofOrderIn(orderId: string, tx: Tx): Promise<Payment[]> {
    return this.repository.ofOrderIn(orderId, tx);
  }

  /** A payment of the caller's own. @throws PaymentNotFound, for somebody else's as well. */
  async getOwn(caller: Caller, id: string): Promise<Payment> {
    const payment = await this.repository.find(id);
    if (payment?.user_id !== caller.id) throw new PaymentNotFound();
    return payment;
  }

  private rowOf(attempt: NewAttempt, number: number): AttemptRow {
    const { order_id, amount_minor, currency, payment_method, payment_token } = attempt;
    return {
      id: uuidv7(),
      attempt: number,
      decline_ends_order: attempt.decline_ends_order,
      request: {
        idempotency_key: attemptKey(order_id, number),
        order_id,
        amount_minor,
        currency,
        payment_method,
        payment_token,
        return_url: attempt.return_url ?? this.returnUrl(),
        description: `Order ${order_id}`,
      },
    };
  }

  private returnUrl(): string {
    return this.config.env.PAYMENT_RETURN_URL ?? `http://localhost:${this.config.env.PORT}/`;
  }

  private async tell(payment: Payment, tx: Tx): Promise<void> {
    const { id: payment_id, order_id, attempt, currency, provider, failure_code } = payment;
    const type = payment.status === 'succeeded' ? 'payment.succeeded' : 'payment.failed';
    const amount = this.money.majorOf(payment.amount_minor);
    const data = { payment_id, order_id, attempt, amount, currency, provider, failure_code };
    await this.events.append([{ type, data }], tx);
  }
}
