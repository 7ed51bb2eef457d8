import { Injectable } from '@nestjs/common';
import { CartService } from '../cart/cart.service.js';
import { OrderService } from '../order/order.service.js';
import type { Order, OrderRow } from '../order/order.types.js';
import { OrderLife } from '../order/order-life.service.js';
import type { Charge } from '../payment/gateway/payment-gateway.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Payment } from '../payment/payment.types.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { RefundingService } from './refunding.service.js';

/** An order and its newest attempt, read in one transaction. */
export interface Standing {
  order: Order;
  payment: Payment | null;
}

/**
 * The one transition of a payment. The provider's answer, the recovery job and whoever else learns of an outcome all come
 * through here, under the order's row lock; no lock is held while the provider is asked.
 */
@Injectable()
export class SettlementService {
  constructor(
    private readonly orders: OrderService,
    private readonly lives: OrderLife,
    private readonly refunding: RefundingService,
    private readonly payments: PaymentService,
    private readonly carts: CartService,
    private readonly database: DatabaseService,
  ) {}

  /**
   * Asks the provider about an attempt and settles what it says. The attempt must be ours to ask about. Idempotent.
   * `also` runs in the transaction of the settlement, last.
   */
  async charge(payment: Payment, also?: (standing: Standing, tx: Tx) => Promise<void>): Promise<Standing> {
    const charge = await this.payments.ask(payment);
    return this.settle(payment, charge, also);
  }

  /** Writes an outcome (null: unknown) and all that follows from it, once. Idempotent. */
  async settle(
    { id, order_id }: Payment,
    charge: Charge | null,
    also?: (standing: Standing, tx: Tx) => Promise<void>,
  ): Promise<Standing> {
    return this.database.transaction(async (tx) => {
      const order = await this.lives.lock(order_id, tx);
      const { payment, settledNow } = await this.payments.settle(id, charge, tx);
      if (settledNow) await this.followUp(order, payment, tx);
      else if (payment.status === 'pending') await this.expireUnpaid(order, tx);
      const standing = { order: await this.orders.getIn(order_id, tx), payment };
      await also?.(standing, tx);
      return standing;
    });
  }

  /** A locked order is paid, and the cart that it bought loses what was bought. */
  async complete(order: OrderRow, reason: string | null, tx: Tx): Promise<void> {
    await this.lives.markPaid(order, reason, tx);
    await this.emptyCart(order, tx);
  }

  /** The cart of a checkout's order loses exactly the lines that were bought. */
  async emptyCart({ id, user_id, cart_id, cart_round }: OrderRow, tx: Tx): Promise<void> {
    if (cart_id === null || cart_round === null) return;
    const { lines } = await this.orders.getIn(id, tx);
    await this.carts.removeBought(user_id, { cart_id, round: cart_round }, lines, tx);
  }

  private async followUp(order: OrderRow, payment: Payment, tx: Tx): Promise<void> {
    if (payment.status === 'succeeded') return this.receive(order, payment, tx);
    const reason = payment.failure_reason ?? 'payment declined';
    if (order.status === 'pending' && payment.decline_ends_order)
      return this.lives.end(order, 'failed', reason, tx);
    await this.lives.notePayment(order.id, 'failed', tx);
    await this.expireUnpaid({ ...order, payment_status: 'failed' }, tx);
  }

  // No money is kept without goods: late money revives the order or goes back, once.
  private async receive(order: OrderRow, payment: Payment, tx: Tx): Promise<void> {
    if (order.status === 'pending') return this.complete(order, null, tx);
    if (await this.lives.revive(order, tx)) return this.emptyCart(order, tx);
    await this.lives.noteLateMoney(order, tx);
    const { amount_minor } = payment;
    const reason = `the order was ${order.status} when its payment arrived`;
    await this.refunding.begin(order, { payment, amount_minor, cause: 'late', reason }, false, tx);
  }

  // The provider has been asked since the time ran out, and it is not paid: now its goods can be sold to others.
  private async expireUnpaid(order: OrderRow, tx: Tx): Promise<void> {
    if (order.status === 'pending' && (await this.lives.isOverdue(order, tx)))
      await this.lives.end(order, 'expired', 'not paid in time', tx);
  }
}
