import { Injectable } from '@nestjs/common';
import type { CancelOrderDto } from '../order/order.dto.js';
import { OrderService } from '../order/order.service.js';
import type { OrderRow } from '../order/order.types.js';
import type { OrderView } from '../order/order.view.js';
import { OrderLife } from '../order/order-life.service.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Refund } from '../payment/payment.types.js';
import { isLive } from '../payment/payment-states.js';
import { RefundService, refundableOf } from '../payment/refund.service.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { RefundingService } from './refunding.service.js';

/** What is to be done after the first transaction: give the money back, or just answer. */
type Begun = { refund: Refund } | { answer: Answer<OrderView> };

/** Locks the order for whoever may cancel it. */
type Lock = (tx: Tx) => Promise<OrderRow>;

/** The end that somebody gives to an order: its goods come back in one transaction, its money in a call after that. */
@Injectable()
export class CancellationService {
  constructor(
    private readonly orders: OrderService,
    private readonly lives: OrderLife,
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly refunding: RefundingService,
    private readonly trail: AdminActions,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
  ) {}

  /**
   * Cancels the caller's order while it is pending, or paid and not shipped: everything that it took comes back exactly once,
   * and so does its money. Money that is still on its way is given back when it arrives. A second cancel answers the
   * cancelled order again.
   * @throws OrderNotFound, OrderNotCancellable
   */
  async cancel(
    caller: Caller,
    id: string,
    dto: CancelOrderDto,
    claim: Claim | null,
  ): Promise<Answer<OrderView>> {
    const reason = dto.reason ?? 'cancelled by the customer';
    return this.run(id, reason, claim, (tx) => this.lives.lockOwn(caller, id, tx));
  }

  /** `cancel` for anybody's order, by an admin. @throws OrderNotFound, OrderNotCancellable */
  async cancelAny(id: string, dto: CancelOrderDto, claim: Claim | null): Promise<Answer<OrderView>> {
    const reason = dto.reason ?? 'cancelled by the shop';
    return this.run(id, reason, claim, async (tx) => {
      const order = await this.lives.lock(id, tx);
      if (order.status !== 'cancelled') await this.noteCancelled(order, reason, tx);
      return order;
    });
  }

  private async noteCancelled({ id, status }: OrderRow, reason: string, tx: Tx): Promise<void> {
    const step = { action: 'order.cancelled', entity: 'order', entity_id: id } as const;
    await this.trail.record([{ ...step, before: { status }, after: { status: 'cancelled', reason } }], tx);
  }

  private async run(id: string, reason: string, claim: Claim | null, lock: Lock): Promise<Answer<OrderView>> {
    const begun = await this.database.transaction((tx) => this.begin(id, reason, claim, lock, tx));
    if ('answer' in begun) return begun.answer;
    return this.refunding.drive(begun.refund, async (_, tx) => {
      const answer = await this.answer(id, tx);
      if (claim) await this.idempotency.finish(claim, answer.status, JSON.stringify(answer.body), tx);
      return answer;
    });
  }

  private async begin(id: string, reason: string, claim: Claim | null, lock: Lock, tx: Tx): Promise<Begun> {
    const earlier = claim && (await this.takeUp(id, claim, lock, tx));
    if (earlier) return earlier;
    const order = await lock(tx);
    const refund = order.status === 'cancelled' ? null : await this.end(order, reason, tx);
    if (refund && isLive(refund.status)) {
      if (claim)
        await this.idempotency.beginAll([{ claim, resourceId: refund.id }], this.payments.callMs, tx);
      return { refund };
    }
    const answer = await this.answer(id, tx);
    if (claim)
      await this.idempotency.finishAll([{ claim, status: 200, response: JSON.stringify(answer.body) }], tx);
    return { answer };
  }

  /** @returns the refund of what had been paid, or null when nothing had. */
  private async end(order: OrderRow, reason: string, tx: Tx): Promise<Refund | null> {
    await this.lives.end(order, 'cancelled', reason, tx);
    const payment = await this.payments.findStanding(order.id, tx);
    const amount_minor = payment ? refundableOf(payment) : 0;
    if (!payment || amount_minor === 0) return null;
    return this.refunding.begin(order, { payment, amount_minor, cause: 'cancelled', reason }, true, tx);
  }

  // A call that was cut off had cancelled the order. The claim's resource is its refund: what is left to do, unless somebody
  // is at it.
  private async takeUp(id: string, claim: Claim, lock: Lock, tx: Tx): Promise<Begun | null> {
    const state = await this.idempotency.lock(claim, tx);
    if (state.kind === 'fresh') return null;
    if (state.kind === 'refused') throw state.error;
    if (state.kind === 'finished') return { answer: state.answer as Answer<OrderView> };
    await lock(tx);
    const refund = await this.refunds.claimOne(state.resourceId as string, tx);
    await this.idempotency.takeOver(claim, this.payments.callMs, tx);
    if (refund) return { refund };
    const answer = await this.answer(id, tx);
    await this.idempotency.finish(claim, answer.status, JSON.stringify(answer.body), tx);
    return { answer };
  }

  private async answer(id: string, tx: Tx): Promise<Answer<OrderView>> {
    return new Answer(200, await this.orders.viewIn(id, tx));
  }
}
