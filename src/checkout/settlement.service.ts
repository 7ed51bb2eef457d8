import { Injectable } from '@nestjs/common';
import { CartService } from '../cart/cart.service.js';
import { OrderService } from '../order/order.service.js';
import type { Order, OrderRow } from '../order/order.types.js';
import type { Charge } from '../payment/gateway/payment-gateway.js';
import { PaymentService } from '../payment/payment.service.js';
import type { Payment } from '../payment/payment.types.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';

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
      const order = await this.orders.lock(order_id, tx);
      const { payment, settledNow } = await this.payments.settle(id, charge, tx);
      if (settledNow) await this.followUp(order, payment, tx);
      const standing = { order: await this.orders.getIn(order_id, tx), payment };
      await also?.(standing, tx);
      return standing;
    });
  }

  /** A locked order is paid, and the cart that it bought loses what was bought. */
  async complete(order: OrderRow, reason: string | null, tx: Tx): Promise<void> {
    await this.orders.markPaid(order, reason, tx);
    await this.emptyCart(order, tx);
  }

  /** The cart of a checkout's order loses exactly the lines that were bought. */
  async emptyCart({ id, user_id, cart_id }: OrderRow, tx: Tx): Promise<void> {
    if (cart_id === null) return;
    const { lines } = await this.orders.getIn(id, tx);
    await this.carts.removeBought(user_id, cart_id, lines, tx);
  }

  private async followUp(order: OrderRow, payment: Payment, tx: Tx): Promise<void> {
    if (payment.status === 'succeeded') return this.complete(order, null, tx);
    const reason = payment.failure_reason ?? 'payment declined';
    if (payment.decline_ends_order) return this.orders.end(order, 'failed', reason, tx);
    await this.orders.notePayment(order.id, 'failed', tx);
  }
}
