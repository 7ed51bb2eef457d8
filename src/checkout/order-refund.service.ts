import { Injectable } from '@nestjs/common';
import { OrderService } from '../order/order.service.js';
import { OrderLife } from '../order/order-life.service.js';
import { RefundTooLarge } from '../payment/payment.errors.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Refund } from '../payment/payment.types.js';
import { isLive } from '../payment/payment-states.js';
import { RefundService, refundableOf } from '../payment/refund.service.js';
import { type RefundsView, refundView } from '../payment/refund.view.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { RefundedOrderView, RefundOrderDto } from './checkout.dto.js';
import { RefundingService } from './refunding.service.js';

const OLDEST_FIRST = 'refunds-oldest-first';

/** What is to be done after the first transaction: make the refund, or just answer. */
type Begun = { ours: Refund } | { answer: Answer<RefundedOrderView> };

/** Refunds that an admin wishes. */
@Injectable()
export class OrderRefundService {
  constructor(
    private readonly orders: OrderService,
    private readonly lives: OrderLife,
    private readonly payments: PaymentService,
    private readonly refunds: RefundService,
    private readonly refunding: RefundingService,
    private readonly trail: AdminActions,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
    private readonly money: Money,
  ) {}

  /**
   * Gives back an amount of what was captured for an order, or all that is left of it: 200 with the order and the refund, 202
   * while the provider's answer is not known. However many ask at once, never more than was captured. No goods move.
   * @throws OrderNotFound, RefundTooLarge
   */
  async refund(
    orderId: string,
    dto: RefundOrderDto,
    claim: Claim | null,
  ): Promise<Answer<RefundedOrderView>> {
    const begun = await this.database.transaction((tx) => this.begin(orderId, dto, claim, tx));
    if ('answer' in begun) return begun.answer;
    return this.refunding.drive(begun.ours, (refund, tx) => this.finish(refund, claim, tx));
  }

  /** An order's refunds, oldest first. @throws OrderNotFound */
  async list(orderId: string, query: PageQuery): Promise<RefundsView> {
    await this.orders.get(orderId);
    const after = decodeCursor(OLDEST_FIRST, ['number'], query.cursor);
    const found = await this.refunds.pageOfOrder(orderId, Number(after?.[0] ?? 0), query.limit + 1);
    const { rows, next_cursor } = pageOf(
      found,
      query,
      (refund) => refundView(refund, this.money),
      ({ number }) => encodeCursor(OLDEST_FIRST, [number]),
    );
    const total = query.count ? { total: await this.refunds.countOfOrder(orderId) } : {};
    return { refunds: rows, next_cursor, ...total };
  }

  private async begin(orderId: string, dto: RefundOrderDto, claim: Claim | null, tx: Tx): Promise<Begun> {
    const earlier = claim && (await this.takeUp(orderId, claim, tx));
    if (earlier) return earlier;
    const order = await this.lives.lock(orderId, tx);
    const payment = await this.payments.findStanding(orderId, tx);
    const wished = dto.amount == null ? null : this.money.minorOf(dto.amount, 'amount');
    const left = payment ? refundableOf(payment) : 0;
    if (!payment || left === 0) throw new RefundTooLarge(dto.amount ?? null, this.money.majorOf(left));
    const amount_minor = wished ?? left;
    const wish = { payment, amount_minor, cause: 'admin', reason: dto.reason } as const;
    const refund = await this.refunding.begin(order, wish, true, tx);
    const step = { action: 'order.refunded', entity: 'order', entity_id: orderId } as const;
    const after = { refund: refund.number, amount: this.money.majorOf(amount_minor), reason: dto.reason };
    await this.trail.record([{ ...step, before: null, after }], tx);
    if (claim) await this.idempotency.beginAll([{ claim, resourceId: refund.id }], this.payments.callMs, tx);
    return isLive(refund.status) ? { ours: refund } : { answer: await this.finish(refund, claim, tx) };
  }

  // The claim's resource is its refund: a call that was cut off goes on with it.
  private async takeUp(orderId: string, claim: Claim, tx: Tx): Promise<Begun | null> {
    const state = await this.idempotency.lock(claim, tx);
    if (state.kind === 'fresh') return null;
    if (state.kind === 'refused') throw state.error;
    if (state.kind === 'finished') return { answer: state.answer as Answer<RefundedOrderView> };
    await this.lives.lock(orderId, tx);
    const ours = await this.refunds.claimOne(state.resourceId as string, tx);
    await this.idempotency.takeOver(claim, this.payments.callMs, tx);
    if (ours) return { ours };
    const made = (await this.refunds.ofOrderIn(orderId, tx)).find(({ id }) => id === state.resourceId);
    return { answer: await this.finish(made as Refund, claim, tx) };
  }

  private async finish(refund: Refund, claim: Claim | null, tx: Tx): Promise<Answer<RefundedOrderView>> {
    const order = await this.orders.viewIn(refund.order_id, tx);
    const body = { ...order, refund: refundView(refund, this.money) };
    const status = isLive(refund.status) ? 202 : 200;
    if (claim) await this.idempotency.finish(claim, status, JSON.stringify(body), tx);
    return new Answer(status, body);
  }
}
