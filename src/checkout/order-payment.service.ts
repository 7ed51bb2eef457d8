import { Injectable } from '@nestjs/common';
import { OrderNotPayable } from '../order/order.errors.js';
import { OrderService } from '../order/order.service.js';
import type { OrderRow } from '../order/order.types.js';
import type { OrderView } from '../order/order.view.js';
import { OrderLife } from '../order/order-life.service.js';
import { hasEnded } from '../order/order-states.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Payment } from '../payment/payment.types.js';
import { type PaymentsView, type PaymentView, paymentView } from '../payment/payment.view.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { ConfirmPaymentDto, PayOrderDto } from './checkout.dto.js';
import { SettlementService } from './settlement.service.js';

const OLDEST_FIRST = 'attempts';

/** What is to be done after the first transaction: charge an attempt that is ours, or just answer. */
type Begun = { ours: Payment } | { answer: Answer<PaymentView> };

/** Payments of orders that exist: by the customer through the provider, or by hand through an admin. */
@Injectable()
export class OrderPaymentService {
  constructor(
    private readonly orders: OrderService,
    private readonly lives: OrderLife,
    private readonly payments: PaymentService,
    private readonly settlement: SettlementService,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
    private readonly money: Money,
    private readonly trail: AdminActions,
  ) {}

  /**
   * Pays the caller's order: 201, or 202 while the outcome is not known or the customer is needed; 200 with the very
   * payment when one is live or done. However many ask at once, one attempt is made. A decline leaves the order payable.
   * @throws OrderNotFound, OrderNotPayable
   */
  async pay(
    caller: Caller,
    orderId: string,
    dto: PayOrderDto,
    claim: Claim | null,
  ): Promise<Answer<PaymentView>> {
    const begun = await this.database.transaction((tx) => this.begin(caller, orderId, dto, claim, tx));
    if ('answer' in begun) return begun.answer;
    const { payment } = await this.settlement.charge(begun.ours, async ({ payment }, tx) => {
      const { status, body } = this.answer(payment as Payment);
      if (claim) await this.idempotency.finish(claim, status, JSON.stringify(body), tx);
    });
    return this.answer(payment as Payment);
  }

  private async begin(
    caller: Caller,
    orderId: string,
    dto: PayOrderDto,
    claim: Claim | null,
    tx: Tx,
  ): Promise<Begun> {
    const earlier = claim && (await this.takeUp(claim, tx));
    if (earlier) return earlier;
    const order = await this.lives.lockOwn(caller, orderId, tx);
    if (order.payment_method === 'cod') throw new OrderNotPayable('to be paid on delivery');
    // Whatever was or is being paid for it goes back.
    if (hasEnded(order.status)) throw new OrderNotPayable(order.status);
    const standing = await this.payments.findStanding(orderId, tx);
    if (standing) return this.answerStanding(standing, claim, tx);
    await this.lives.assertPayable(order, tx);
    const ours = await this.payments.beginNext(attemptOf(order, dto), tx);
    await this.lives.notePayment(order.id, 'processing', tx);
    if (claim) await this.idempotency.beginAll([{ claim, resourceId: ours.id }], this.payments.callMs, tx);
    return { ours };
  }

  private async answerStanding(standing: Payment, claim: Claim | null, tx: Tx): Promise<Begun> {
    const answer = new Answer(200, paymentView(standing, this.money));
    if (claim)
      await this.idempotency.finishAll([{ claim, status: 200, response: JSON.stringify(answer.body) }], tx);
    return { answer };
  }

  // The claim's resource is its payment: a call that was cut off goes on with it.
  private async takeUp(claim: Claim, tx: Tx): Promise<Begun | null> {
    const state = await this.idempotency.lock(claim, tx);
    if (state.kind === 'fresh') return null;
    if (state.kind === 'refused') throw state.error;
    if (state.kind === 'finished') return { answer: state.answer as Answer<PaymentView> };
    const id = state.resourceId as string;
    // The payment before the claim, as the settlement locks them.
    const ours = await this.payments.claimOne(id, tx);
    await this.idempotency.takeOver(claim, this.payments.callMs, tx);
    if (ours) return { ours };
    const answer = this.answer(await this.payments.getIn(id, tx));
    await this.idempotency.finish(claim, answer.status, JSON.stringify(answer.body), tx);
    return { answer };
  }

  /** The attempts to pay the caller's order, oldest first. @throws OrderNotFound */
  async listOwn(caller: Caller, orderId: string, query: PageQuery): Promise<PaymentsView> {
    await this.orders.getOwn(caller, orderId);
    return this.pageOf(orderId, query);
  }

  /** The attempts to pay anybody's order, oldest first. @throws OrderNotFound */
  async list(orderId: string, query: PageQuery): Promise<PaymentsView> {
    await this.orders.get(orderId);
    return this.pageOf(orderId, query);
  }

  private async pageOf(orderId: string, query: PageQuery): Promise<PaymentsView> {
    const after = decodeCursor(OLDEST_FIRST, ['number'], query.cursor);
    const found = await this.payments.pageOfOrder(orderId, Number(after?.[0] ?? 0), query.limit + 1);
    const { rows, next_cursor } = pageOf(
      found,
      query,
      (payment) => paymentView(payment, this.money),
      ({ attempt }) => encodeCursor(OLDEST_FIRST, [attempt]),
    );
    const total = query.count ? { total: await this.payments.countOfOrder(orderId) } : {};
    return { payments: rows, next_cursor, ...total };
  }

  /**
   * An admin has accepted the money for a cash-on-delivery or bank-transfer order: it is paid. A repeat answers the paid
   * order and changes nothing.
   * @throws OrderNotFound, OrderNotPayable
   */
  async confirmByHand(
    orderId: string,
    dto: ConfirmPaymentDto,
    claim: Claim | null,
  ): Promise<Answer<OrderView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      const order = await this.lives.lock(orderId, tx);
      const standing = await this.payments.findStanding(orderId, tx);
      if (standing?.provider !== 'manual') {
        if (standing || !takenByHand(order))
          throw new OrderNotPayable(standing ? 'being paid' : 'to be charged by the provider');
        await this.accept(order, dto.reference ?? null, tx);
      }
      return this.orders.view(await this.orders.getIn(orderId, tx));
    });
  }

  private async accept(order: OrderRow, reference: string | null, tx: Tx): Promise<void> {
    await this.lives.assertPayable(order, tx);
    const { id, total_price_minor, currency } = order;
    await this.payments.recordAccepted(
      { order_id: id, amount_minor: total_price_minor, currency, reference },
      tx,
    );
    await this.lives.markPaid(order, reference ? `money accepted: ${reference}` : 'money accepted', tx);
    const step = { action: 'order.payment_confirmed', entity: 'order', entity_id: id } as const;
    const { status, payment_status } = order;
    const after = { status: 'paid', payment_status: 'paid', reference };
    await this.trail.record([{ ...step, before: { status, payment_status }, after }], tx);
  }

  private answer(payment: Payment): Answer<PaymentView> {
    const open = payment.status === 'unknown' || payment.status === 'pending';
    return new Answer(open ? 202 : 201, paymentView(payment, this.money));
  }
}

const takenByHand = ({ payment_method }: OrderRow) =>
  payment_method === 'cod' || payment_method === 'bank_transfer';

function attemptOf(order: OrderRow, dto: PayOrderDto) {
  return {
    order_id: order.id,
    amount_minor: order.total_price_minor,
    currency: order.currency,
    payment_method: order.payment_method,
    payment_token: dto.payment_token ?? null,
    return_url: dto.return_url ?? null,
    decline_ends_order: false,
  };
}
