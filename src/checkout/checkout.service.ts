import { Injectable } from '@nestjs/common';
import { CartService } from '../cart/cart.service.js';
import { OrderService } from '../order/order.service.js';
import type { CheckoutPart, Order, PlacementCompanion } from '../order/order.types.js';
import { hasEnded } from '../order/order-states.js';
import { PaymentService } from '../payment/payment.service.js';
import type { NewAttempt, Payment } from '../payment/payment.types.js';
import { paymentView } from '../payment/payment.view.js';
import { isLive } from '../payment/payment-states.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import type { CheckoutDto, CheckoutStatus, CheckoutView } from './checkout.dto.js';
import { CartEmpty } from './checkout.errors.js';
import { SettlementService, type Standing } from './settlement.service.js';

/** What the placement's companion has to know of a checkout. */
interface Context {
  payment_token: string | null;
}

/**
 * Place, charge, settle: the cart becomes an order together with its first payment attempt, in one transaction; the
 * provider is asked with nothing locked; its answer is settled in a second one.
 */
@Injectable()
export class CheckoutService implements PlacementCompanion {
  constructor(
    private readonly carts: CartService,
    private readonly orders: OrderService,
    private readonly payments: PaymentService,
    private readonly settlement: SettlementService,
    private readonly idempotency: IdempotencyService,
    private readonly database: DatabaseService,
    private readonly money: Money,
  ) {}

  /**
   * Buys the caller's cart, once a claim: 200 COMPLETED or FAILED, 202 PENDING. A repeat tells the state that its order has
   * now; a call that a crash has cut off goes on, on the same order.
   * @throws CartEmpty, InsufficientStock, DiscountInvalid, PointsInsufficient, PriceChanged, ProductUnavailable, CheckoutInProgress — no order, no charge.
   */
  async checkout(caller: Caller, dto: CheckoutDto, claim: Claim): Promise<Answer<CheckoutView>> {
    if (await this.idempotency.isKnown(claim)) return this.resume(claim);
    const cart = await this.carts.findForCheckout(caller.id);
    if (!cart) {
      // It may be empty because the same call has just bought it.
      if (await this.idempotency.isKnown(claim)) return this.resume(claim);
      throw new CartEmpty();
    }
    const part = this.partOf(cart, dto);
    const outcome = await this.orders.placeCheckout(caller.id, cart.lines, dto, claim, part);
    if (outcome.kind === 'refused') throw outcome.error;
    if (outcome.kind === 'claimed') return this.resume(claim);
    return this.goOn(outcome.order, claim);
  }

  private partOf(cart: { cart_id: string; round: number }, dto: CheckoutDto): CheckoutPart {
    const context: Context = { payment_token: dto.payment_token ?? null };
    return {
      cart_id: cart.cart_id,
      cart_round: cart.round,
      payment_status: dto.payment_method === 'cod' ? 'unpaid' : 'processing',
      busy_ms: this.payments.callMs,
      companion: this,
      context,
    };
  }

  /** In the placement's transaction: first attempts for what is charged; what is not charged is complete right away. */
  async accompany(placed: { order: Order; context: unknown }[], tx: Tx): Promise<void> {
    const attempts: NewAttempt[] = [];
    for (const { order, context } of placed) {
      if (order.total_price_minor === 0) await this.settlement.complete(order, 'nothing to pay', tx);
      else if (order.payment_method === 'cod') await this.settlement.emptyCart(order, tx);
      else attempts.push(attemptOf(order, (context as Context).payment_token));
    }
    await this.payments.beginFirst(attempts, tx);
  }

  private async goOn(order: Order, claim: Claim): Promise<Answer<CheckoutView>> {
    const payment = (await this.payments.ofOrder(order.id)).at(-1) ?? null;
    if (!payment || !isLive(payment.status)) return this.finish(order.id, claim);
    return this.charge(payment, claim);
  }

  private async charge(payment: Payment, claim: Claim): Promise<Answer<CheckoutView>> {
    const standing = await this.settlement.charge(payment, (now, tx) => this.finishIn(now, claim, tx));
    return this.answer(standing);
  }

  private async finish(orderId: string, claim: Claim): Promise<Answer<CheckoutView>> {
    return this.database.transaction(async (tx) => {
      const standing = await this.standingIn(orderId, tx);
      await this.finishIn(standing, claim, tx);
      return this.answer(standing);
    });
  }

  private async finishIn(standing: Standing, claim: Claim, tx: Tx): Promise<void> {
    const { status, body } = this.answer(standing);
    await this.idempotency.finish(claim, status, JSON.stringify(body), tx);
  }

  /** Answers for a claim that an earlier call has made: waits for nothing, and goes on where that call was cut off. */
  private async resume(claim: Claim): Promise<Answer<CheckoutView>> {
    const { orderId, replayed, ours } = await this.database.transaction((tx) => this.takeUp(claim, tx));
    if (ours) return this.charge(ours, claim);
    if (!replayed) return this.finish(orderId, claim);
    return this.answer(await this.database.transaction((tx) => this.standingIn(orderId, tx)), true);
  }

  private async takeUp(
    claim: Claim,
    tx: Tx,
  ): Promise<{ orderId: string; replayed: boolean; ours: Payment | null }> {
    const state = await this.idempotency.lock(claim, tx);
    if (state.kind === 'refused') throw state.error;
    // Its time ran out between our look and our lock: to the client that is a cart without lines.
    if (state.kind === 'fresh') throw new CartEmpty();
    const orderId = state.resourceId as string;
    if (state.kind === 'finished') return { orderId, replayed: true, ours: null };
    // The payment before the claim, as the settlement locks them.
    const { payment } = await this.standingIn(orderId, tx);
    const ours = payment && (await this.payments.claimOne(payment.id, tx));
    await this.idempotency.takeOver(claim, this.payments.callMs, tx);
    return { orderId, replayed: false, ours };
  }

  /** The checkout of one of the caller's orders. @throws OrderNotFound */
  async getOwn(caller: Caller, id: string): Promise<CheckoutView> {
    const order = await this.orders.getOwn(caller, id);
    const payment = (await this.payments.ofOrder(id)).at(-1) ?? null;
    return this.view({ order, payment });
  }

  private async standingIn(orderId: string, tx: Tx): Promise<Standing> {
    const order = await this.orders.getIn(orderId, tx);
    const payment = (await this.payments.ofOrderIn(orderId, tx)).at(-1) ?? null;
    return { order, payment };
  }

  private answer(standing: Standing, replayed = false): Answer<CheckoutView> {
    const view = this.view(standing);
    return new Answer(view.status === 'PENDING' ? 202 : 200, view, replayed);
  }

  private view({ order, payment }: Standing): CheckoutView {
    return {
      checkout_id: order.id,
      status: checkoutStatusOf(order),
      order_id: order.id,
      total_price: this.money.majorOf(order.total_price_minor),
      currency: order.currency,
      payment: payment && paymentView(payment, this.money),
    };
  }
}

function attemptOf(order: Order, paymentToken: string | null): NewAttempt {
  return {
    order_id: order.id,
    amount_minor: order.total_price_minor,
    currency: order.currency,
    payment_method: order.payment_method,
    payment_token: paymentToken,
    return_url: null,
    decline_ends_order: true,
  };
}

/** Cash on delivery is complete once it is ordered: there is nothing that the customer still has to do. */
function checkoutStatusOf({ status, payment_method }: Order): CheckoutStatus {
  if (status === 'pending') return payment_method === 'cod' ? 'COMPLETED' : 'PENDING';
  return hasEnded(status) ? 'FAILED' : 'COMPLETED';
}
