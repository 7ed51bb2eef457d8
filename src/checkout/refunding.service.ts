import { Injectable, Logger } from '@nestjs/common';
import type { OrderRow } from '../order/order.types.js';
import { OrderLife } from '../order/order-life.service.js';
import type { ProviderRefund } from '../payment/gateway/payment-gateway.js';
import { PaymentService } from '../payment/payment.service.js';
import type { NewRefund, Payment, Refund } from '../payment/payment.types.js';
import { RefundService, refundableOf } from '../payment/refund.service.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';

/**
 * The one transition of a refund. The provider's answer, its notification and the recovery all come through here, under the
 * order's row lock; no lock is held while the provider is asked.
 */
@Injectable()
export class RefundingService {
  private readonly logger = new Logger(RefundingService.name);

  constructor(
    private readonly lives: OrderLife,
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly database: DatabaseService,
  ) {}

  /**
   * Notes a refund of a locked order: ours to drive when `isOurs`, else the recovery's.
   * @throws RefundTooLarge
   */
  async begin(order: OrderRow, wish: NewRefund, isOurs: boolean, tx: Tx): Promise<Refund> {
    const { refund, payment, settledNow } = await this.refunds.begin(wish, isOurs, tx);
    if (settledNow) await this.followUp(order, refund, payment, tx);
    return refund;
  }

  /**
   * Asks the provider to make a refund, or what became of it, and settles what it says. The refund must be ours to ask about.
   * Idempotent. `also` runs in the transaction of the settlement, last. @returns what `also` returns.
   */
  async drive<T>(refund: Refund, also: (refund: Refund, tx: Tx) => Promise<T>): Promise<T> {
    return this.settle(refund, await this.refunds.ask(refund), also);
  }

  /** Writes an outcome (null: unknown) and all that follows from it, once. Idempotent. */
  async settle<T>(
    { id, order_id }: Refund,
    answer: ProviderRefund | null,
    also: (refund: Refund, tx: Tx) => Promise<T>,
  ): Promise<T> {
    return this.database.transaction(async (tx) => {
      const order = await this.lives.lock(order_id, tx);
      const { refund, payment, settledNow } = await this.refunds.settle(id, answer, tx);
      if (settledNow) await this.followUp(order, refund, payment, tx);
      return also(refund, tx);
    });
  }

  /** Notes anew what the provider has refused of money that nobody may keep: a refusal may have been for the moment. */
  async renewRefused(limit: number): Promise<void> {
    for (const { id, order_id, number } of await this.refunds.findRefused(limit)) {
      try {
        const renewed = await this.database.transaction((tx) => this.renew(id, order_id, tx));
        if (renewed) this.logger.warn({ order_id }, `refund ${number} was refused: trying another`);
      } catch (error) {
        // One that cannot be noted must not stop the others.
        this.logger.error({ order_id }, `refund ${number} cannot be renewed: ${(error as Error).message}`);
      }
    }
  }

  private async renew(id: string, orderId: string, tx: Tx): Promise<boolean> {
    const order = await this.lives.lock(orderId, tx);
    const refunds = await this.refunds.ofOrderIn(orderId, tx);
    const refused = refunds.findLast(({ status }) => status === 'failed') as Refund;
    const payment = await this.payments.getIn(refused.payment_id, tx);
    const amount_minor = refundableOf(payment);
    // Another instance was faster, or an admin has given the rest back by now.
    if (refused.id !== id || amount_minor === 0) return false;
    // An admin's wish was of a living order; that it is owed has come with its end.
    const cause = refused.cause === 'admin' ? 'cancelled' : refused.cause;
    await this.begin(order, { payment, amount_minor, cause, reason: refused.reason ?? cause }, false, tx);
    return true;
  }

  private async followUp(order: OrderRow, refund: Refund, payment: Payment, tx: Tx): Promise<void> {
    if (refund.status === 'failed') {
      const why = refund.failure_reason ?? 'the provider gave no reason';
      const stands = payment.refunded_minor === 0 ? 'paid' : 'partially_refunded';
      return this.lives.noteRefusedRefund(order, stands, why, tx);
    }
    const isWhole = payment.refunded_minor === payment.amount_minor;
    await this.lives.noteRefund(order, { ...refund, isWhole }, tx);
  }
}
