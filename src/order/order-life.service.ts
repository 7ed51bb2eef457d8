import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import type { EventType } from '../event/event.types.js';
import type { ReservationEnd } from '../inventory/inventory.types.js';
import { ReservationService } from '../inventory/reservation.service.js';
import { violates } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Caller } from '../platform/http/caller.js';
import { Money } from '../platform/money.js';
import { note } from '../platform/observability/subject.js';
import { OrderNotFound, OrderNotPayable } from './order.errors.js';
import { OrderMetrics } from './order.metrics.js';
import { OrderRepository } from './order.repository.js';
import type { FreeOrderSettler, Order, OrderRow, OrderStatus, PaymentStatus } from './order.types.js';
import { OrderBenefits } from './order-benefits.service.js';
import { assertMayBecome } from './order-states.js';

/** What each end of an order means for its hold and its history. */
const ENDS: Record<'failed' | 'expired' | 'cancelled', { hold: ReservationEnd; event: EventType }> = {
  failed: { hold: 'cancelled', event: 'order.failed' },
  expired: { hold: 'expired', event: 'order.expired' },
  cancelled: { hold: 'cancelled', event: 'order.cancelled' },
};

/** Something that a late order needs is gone: what it has taken so far is undone. */
class NotToBeHad extends Error {}

/** Every move of an order after it was placed. Whoever moves one locks it first, by `lock`, and stays in its `tx`. */
@Injectable()
export class OrderLife implements FreeOrderSettler {
  constructor(
    private readonly repository: OrderRepository,
    private readonly reservations: ReservationService,
    private readonly benefits: OrderBenefits,
    private readonly events: EventService,
    private readonly database: DatabaseService,
    private readonly money: Money,
    private readonly metrics: OrderMetrics,
  ) {}

  /** Locks the order until `tx` ends. First in the lock order after the claim. @throws OrderNotFound */
  async lock(id: string, tx: Tx): Promise<OrderRow> {
    const order = await this.repository.lock(id, tx);
    if (!order) throw new OrderNotFound();
    note({ order_id: id });
    return order;
  }

  /** `lock`, for the caller's own order. @throws OrderNotFound, for somebody else's as well. */
  async lockOwn(caller: Caller, id: string, tx: Tx): Promise<OrderRow> {
    const order = await this.lock(id, tx);
    if (order.user_id !== caller.id) throw new OrderNotFound();
    return order;
  }

  /** @throws OrderNotPayable unless the locked order is pending and its goods are still held by the database's clock. */
  async assertPayable(order: OrderRow, tx: Tx): Promise<void> {
    assertMayBecome(order.status, 'paid');
    if (order.status !== 'pending' || (await this.isOverdue(order, tx))) throw new OrderNotPayable('expired');
  }

  /** Whether the goods of the locked order are held longer than they should be, by the database's clock. */
  async isOverdue(order: OrderRow, tx: Tx): Promise<boolean> {
    return this.repository.isOverdue(order.id, tx);
  }

  /** Notes where the payment of a locked order stands; its status stays. */
  async notePayment(id: string, payment: PaymentStatus, tx: Tx): Promise<void> {
    await this.repository.updatePaymentStatus(id, payment, tx);
  }

  /**
   * A locked order has been paid: its hold is fulfilled.
   * @throws OrderNotPayable when it has ended, or when its goods are no longer held: money alone sells nothing.
   */
  async markPaid(order: OrderRow, reason: string | null, tx: Tx): Promise<void> {
    assertMayBecome(order.status, 'paid');
    await this.move(order, 'paid', 'paid', reason, tx);
    if (!(await this.reservations.end(order.id, 'fulfilled', reason, tx)))
      throw new OrderNotPayable(order.status);
    await this.benefits.earn(order, tx);
    await this.tell('order.paid', order, reason, tx);
  }

  /** In the placement's transaction: what costs nothing is paid at once, without the provider. */
  async settleFree(order: Order, tx: Tx): Promise<void> {
    await this.markPaid(order, 'nothing to pay', tx);
  }

  /**
   * A locked order that had expired is paid after all, if everything that it had can be had again: its goods, the use of its
   * discount, its points, and the round of its cart, unless that was bought otherwise.
   * @returns false when not: then nothing was changed.
   */
  async revive(order: OrderRow, tx: Tx): Promise<boolean> {
    if (order.status !== 'expired' || (await this.repository.isBoughtOtherwise(order, tx))) return false;
    try {
      await this.database.part(() => this.takeAgain(order, tx), tx);
      return true;
    } catch (error) {
      if (error instanceof NotToBeHad) return false;
      // A checkout has bought the same round of the cart between our look and our write: the index has seen it.
      if (violates(error, 'orders_cart_once')) return false;
      throw error;
    }
  }

  private async takeAgain(order: OrderRow, tx: Tx): Promise<void> {
    if (!(await this.reservations.takeAgain(order.id, tx))) throw new NotToBeHad();
    if (!(await this.benefits.takeAgain(order, tx))) throw new NotToBeHad();
    const reason = 'paid late: its goods could be had again';
    await this.move(order, 'paid', 'paid', reason, tx);
    await this.benefits.earn(order, tx);
    await this.tell('order.paid', order, reason, tx);
  }

  /**
   * Ends a locked order that came to nothing: everything that it took comes back, once. One that was paid gives back its
   * goods as well; its money is for the caller to give back.
   * @throws OrderNotCancellable, OrderNotWaiting
   */
  async end(order: OrderRow, end: keyof typeof ENDS, reason: string, tx: Tx): Promise<void> {
    assertMayBecome(order.status, end);
    const payment: PaymentStatus = end === 'failed' ? 'failed' : order.payment_status;
    await this.move(order, end, payment, reason, tx);
    if (order.status === 'pending') await this.reservations.end(order.id, ENDS[end].hold, reason, tx);
    else await this.reservations.undo(order.id, reason, tx);
    await this.benefits.giveBack(order, tx);
    await this.tell(ENDS[end].event, order, reason, tx);
  }

  /** A locked order takes the next step of its way to the customer. @throws OrderNotShippable, OrderNotDeliverable */
  async advance(order: OrderRow, to: 'shipped' | 'delivered', reason: string | null, tx: Tx): Promise<void> {
    assertMayBecome(order.status, to);
    await this.move(order, to, order.payment_status, reason, tx);
    await this.tell(`order.${to}`, order, reason, tx);
  }

  /** Goods of a locked order have come back; its status stays. */
  async noteReturn(order: OrderRow, sentence: string, tx: Tx): Promise<void> {
    await this.repository.addHistory(order.id, sentence, tx);
  }

  /** Money came for a locked order that has ended and cannot be revived: it has it, until it is given back. */
  async noteLateMoney(order: OrderRow, tx: Tx): Promise<void> {
    await this.repository.updatePaymentStatus(order.id, 'paid', tx);
    await this.repository.addHistory(order.id, 'paid too late: the money goes back', tx);
  }

  /** An amount of a locked order's money, in minor units, has been given back. No goods move; what it has earned goes with the last of it. */
  async noteRefund(
    order: OrderRow,
    refund: { amount_minor: number; reason: string | null; isWhole: boolean },
    tx: Tx,
  ): Promise<void> {
    const { amount_minor, reason, isWhole } = refund;
    const amount = this.money.majorOf(amount_minor);
    await this.repository.updatePaymentStatus(order.id, isWhole ? 'refunded' : 'partially_refunded', tx);
    if (isWhole) await this.benefits.takeBackEarned(order, tx);
    const sentence = `refunded ${amount.toFixed(this.money.digits)} ${order.currency}`;
    await this.repository.addHistory(order.id, reason ? `${sentence}: ${reason}` : sentence, tx);
    await this.tell('order.refunded', order, reason, tx, { amount });
  }

  /** The provider has refused to give back money of a locked order, whose payment then stands like this. */
  async noteRefusedRefund(order: OrderRow, payment: PaymentStatus, why: string, tx: Tx): Promise<void> {
    await this.repository.updatePaymentStatus(order.id, payment, tx);
    await this.repository.addHistory(order.id, `refund refused by the provider: ${why}`, tx);
  }

  private async move(
    order: OrderRow,
    to: OrderStatus,
    payment: PaymentStatus,
    reason: string | null,
    tx: Tx,
  ): Promise<void> {
    await this.repository.updateStatus(order.id, to, payment, reason, tx);
    this.metrics.noteStep(order.status, to, tx);
  }

  private async tell(
    type: EventType,
    order: OrderRow,
    reason: string | null,
    tx: Tx,
    more: object = {},
  ): Promise<void> {
    const { id: order_id, user_id, total_price_minor, currency } = order;
    const total_price = this.money.majorOf(total_price_minor);
    const data = { order_id, user_id, total_price, currency, reason, ...more };
    await this.events.append([{ type, data }], tx);
  }
}
