import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { OrderExpiryService } from '../order/order-expiry.service.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Payment } from '../payment/payment.types.js';
import { RefundService } from '../payment/refund.service.js';
import { Config } from '../platform/config/config.js';
import { about } from '../platform/observability/subject.js';
import { inNewTrace } from '../platform/observability/tracing.js';
import { Recurring } from '../platform/recurring.js';
import { RefundingService } from './refunding.service.js';
import { SettlementService } from './settlement.service.js';

/** Asked about at once: whoever takes more than it can ask about keeps others from them. */
const CALLS_AT_ONCE = 8;

/**
 * Finishes what was left half done: an attempt or a refund whose caller died, a call without an answer, an answer without a
 * settlement. It asks with the same key and the same parameters until it knows. Two recoverers at once do no harm: each
 * takes what nobody is at, and a settlement is one transition.
 */
@Injectable()
export class RecoveryService implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RecoveryService.name);
  private readonly recovery: Recurring;
  private stopping = false;

  constructor(
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly settlement: SettlementService,
    private readonly refunding: RefundingService,
    private readonly expiry: OrderExpiryService,
    config: Config,
  ) {
    const intervalMs = config.env.PAYMENT_RECOVERY_SECONDS * 1_000;
    this.recovery = new Recurring('payment recovery', intervalMs, () => this.recover());
  }

  onModuleInit(): void {
    this.expiry.registerSettler((orderIds) => this.settleOrders(orderIds));
  }

  onApplicationBootstrap(): void {
    this.recovery.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    await this.recovery.stop();
  }

  /** Asks about everything that is due, once. Idempotent. @returns how many attempts and refunds were asked about. */
  async recover(): Promise<number> {
    await this.refunding.renewRefused(CALLS_AT_ONCE);
    // Side by side: a provider that hangs over charges must not hold up what another has to give back.
    const [payments, refunds] = await Promise.all([this.recoverPayments(), this.recoverRefunds()]);
    // Money that came too late goes back at once.
    return payments + refunds + (payments > 0 ? await this.recoverRefunds() : 0);
  }

  private async recoverPayments(): Promise<number> {
    return this.each(
      (limit) => this.payments.claimDue(limit),
      (payment) => this.settlePayment(payment),
    );
  }

  private async recoverRefunds(): Promise<number> {
    return this.each(
      (limit) => this.refunds.claimDue(limit),
      (refund) => this.refunding.drive(refund, async ({ status }) => status),
    );
  }

  /** Asks about the payments of these orders now, for somebody who needs their goods. Idempotent. */
  async settleOrders(orderIds: string[]): Promise<void> {
    const payments = await this.payments.claimOfOrders(orderIds);
    await Promise.all(payments.map((payment) => this.askOne(payment, (due) => this.settlePayment(due))));
  }

  private async settlePayment(payment: Payment): Promise<string | undefined> {
    return (await this.settlement.charge(payment)).payment?.status;
  }

  // A call that hangs holds up none but itself: as soon as one has ended, the next is taken.
  private async each<Due extends { id: string; order_id: string }>(
    claim: (limit: number) => Promise<Due[]>,
    ask: (due: Due) => Promise<string | undefined>,
  ): Promise<number> {
    const first = await claim(CALLS_AT_ONCE);
    let total = first.length;
    const askOn = async (due: Due | undefined): Promise<void> => {
      for (let next = due; next; ) {
        await this.askOne(next, ask);
        [next] = this.stopping || first.length < CALLS_AT_ONCE ? [] : await claim(1);
        total += next ? 1 : 0;
      }
    };
    await Promise.all(first.map(askOn));
    return total;
  }

  private async askOne<Due extends { id: string; order_id: string }>(
    due: Due,
    ask: (due: Due) => Promise<string | undefined>,
  ): Promise<void> {
    const { id, order_id } = due;
    const task = { name: 'recover payment', attributes: { 'holdfast.order_id': order_id } };
    await about({ order_id }, async () => {
      try {
        this.logger.log({ id }, `recovered: ${await inNewTrace(task, () => ask(due))}`);
      } catch (error) {
        // One that cannot be settled must not stop the others; its time runs out and it is due again.
        this.logger.error({ id }, `not recovered: ${(error as Error).message}`);
      }
    });
  }
}
