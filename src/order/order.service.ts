import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import type { EventType } from '../event/event.types.js';
import { type ReservationEnd, summed } from '../inventory/inventory.types.js';
import { ReservationService } from '../inventory/reservation.service.js';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeUuidCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { uuidv7 } from '../platform/uuid.js';
import type { AdminOrdersQuery, CancelOrderDto, PlaceOrderDto, PurchaseDto } from './order.dto.js';
import { OrderNotCancellable, OrderNotFound, OrderNotPayable } from './order.errors.js';
import { OrderRepository } from './order.repository.js';
import type { CheckoutPart, Order, OrderRow, PaymentStatus, RequestedLine } from './order.types.js';
import { type OrderPageView, type OrderView, orderView } from './order.view.js';
import { assertMayBecome } from './order-states.js';
import { PlacementService } from './placement/placement.service.js';
import type { Outcome } from './placement/placement.transaction.js';

const NEWEST_FIRST = 'newest';

/** What each end of an order means for its hold and its history. */
const ENDS: Record<'failed' | 'expired' | 'cancelled', { hold: ReservationEnd; event: EventType }> = {
  failed: { hold: 'cancelled', event: 'order.failed' },
  expired: { hold: 'expired', event: 'order.expired' },
  cancelled: { hold: 'cancelled', event: 'order.cancelled' },
};

/** Orders and their lives. Whatever moves an order locks it first, by `lock`. */
@Injectable()
export class OrderService {
  constructor(
    private readonly placement: PlacementService,
    private readonly repository: OrderRepository,
    private readonly reservations: ReservationService,
    private readonly events: EventService,
    private readonly idempotency: IdempotencyService,
    private readonly money: Money,
    private readonly config: Config,
  ) {}

  /**
   * Places an order for the caller: 201 with the order. Idempotent by its claim.
   * @throws InsufficientStock, PriceChanged, ProductUnavailable, NotFound — and then nothing was changed.
   */
  async place(caller: Caller, dto: PlaceOrderDto, claim: Claim | null): Promise<Answer<OrderView>> {
    const outcome = await this.placeLines(caller.id, summed(dto.items), dto, dto.note ?? null, claim, null);
    if (outcome.kind === 'placed') return new Answer(201, this.view(outcome.order));
    if (outcome.kind === 'refused') throw outcome.error;
    if (outcome.state.kind === 'refused') throw outcome.state.error;
    if (outcome.state.kind === 'finished') return outcome.state.answer as Answer<OrderView>;
    throw new Error('a plain order finishes its claim in the transaction that makes it');
  }

  /** Places the lines of a checkout; the same path, with what the checkout writes alongside. */
  async placeCheckout(
    userId: number,
    lines: RequestedLine[],
    dto: PurchaseDto,
    claim: Claim,
    checkout: CheckoutPart,
  ): Promise<Outcome> {
    return this.placeLines(userId, lines, dto, null, claim, checkout);
  }

  private async placeLines(
    userId: number,
    lines: RequestedLine[],
    dto: PurchaseDto,
    note: string | null,
    claim: Claim | null,
    checkout: CheckoutPart | null,
  ): Promise<Outcome> {
    const { payment_method, expected_total, shipping_address } = dto;
    return this.placement.place({
      order_id: uuidv7(),
      user_id: userId,
      lines,
      payment_method,
      expected_total_minor:
        expected_total == null ? null : this.money.minorOf(expected_total, 'expected_total'),
      shipping_address: shipping_address ?? null,
      note,
      hold_seconds: this.config.reservationTtlSeconds(payment_method),
      claim,
      checkout,
    });
  }

  /** The caller's own order. @throws OrderNotFound, for somebody else's as well. */
  async getOwn(caller: Caller, id: string): Promise<Order> {
    const order = await this.repository.find(id);
    if (order?.user_id !== caller.id) throw new OrderNotFound();
    return order;
  }

  /** Any order, for admins. @throws OrderNotFound */
  async get(id: string): Promise<Order> {
    const order = await this.repository.find(id);
    if (!order) throw new OrderNotFound();
    return order;
  }

  /** The caller's own orders, newest first. */
  async listOwn(caller: Caller, query: PageQuery): Promise<OrderPageView> {
    const before = cursorOf(query);
    const orders = await this.repository.listOfUser(caller.id, before, query.limit + 1);
    return this.page(orders, query, () => this.repository.countOfUser(caller.id));
  }

  /** Everybody's orders, newest first. `from` is included, `to` is not. */
  async list(query: AdminOrdersQuery): Promise<OrderPageView> {
    const filter = {
      status: query.status ?? null,
      user_id: query.user ?? null,
      product_id: query.product ?? null,
      from: timeOf(query.from),
      to: timeOf(query.to),
    };
    const orders = await this.repository.listFiltered(filter, cursorOf(query), query.limit + 1);
    return this.page(orders, query, () => this.repository.countFiltered(filter));
  }

  /**
   * Cancels the caller's order: its stock comes back exactly once. A second cancel answers the cancelled order again.
   * @throws OrderNotCancellable when it has ended otherwise, is paid, or a payment of it is under way.
   */
  async cancel(
    caller: Caller,
    id: string,
    dto: CancelOrderDto,
    claim: Claim | null,
  ): Promise<Answer<OrderView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      const order = await this.lockOwn(caller, id, tx);
      if (order.status !== 'cancelled') {
        // Money may be on its way, or here: it must not stay without its goods.
        if (order.payment_status === 'processing' || order.payment_status === 'paid') {
          throw new OrderNotCancellable(order.payment_status === 'paid' ? 'paid' : 'being paid');
        }
        await this.end(order, 'cancelled', dto.reason ?? 'cancelled by the customer', tx);
      }
      return this.viewIn(id, tx);
    });
  }

  /** Locks the order until `tx` ends. First in the lock order after the claim. @throws OrderNotFound */
  async lock(id: string, tx: Tx): Promise<OrderRow> {
    const order = await this.repository.lock(id, tx);
    if (!order) throw new OrderNotFound();
    return order;
  }

  /** `lock`, for the caller's own order. @throws OrderNotFound, for somebody else's as well. */
  async lockOwn(caller: Caller, id: string, tx: Tx): Promise<OrderRow> {
    const order = await this.lock(id, tx);
    if (order.user_id !== caller.id) throw new OrderNotFound();
    return order;
  }

  /** The order as it stands in `tx`, with all that its answer shows. */
  async getIn(id: string, tx: Tx): Promise<Order> {
    const [order] = await this.repository.findAll([id], tx);
    if (!order) throw new OrderNotFound();
    return order;
  }

  /** @throws OrderNotPayable unless the locked order is pending and its goods are still held by the database's clock. */
  async assertPayable(order: OrderRow, tx: Tx): Promise<void> {
    assertMayBecome(order.status, 'paid');
    if (order.status !== 'pending' || (await this.repository.isOverdue(order.id, tx)))
      throw new OrderNotPayable('expired');
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
    await this.repository.updateStatus(order.id, 'paid', 'paid', reason, tx);
    if (!(await this.reservations.end(order.id, 'fulfilled', reason, tx)))
      throw new OrderNotPayable(order.status);
    await this.tell('order.paid', order, reason, tx);
  }

  /**
   * Ends a locked order that came to nothing: everything that it took comes back, once.
   * @throws OrderNotCancellable, or a fault when the state table does not allow it.
   */
  async end(order: OrderRow, end: keyof typeof ENDS, reason: string, tx: Tx): Promise<void> {
    assertMayBecome(order.status, end);
    const payment: PaymentStatus = end === 'failed' ? 'failed' : order.payment_status;
    await this.repository.updateStatus(order.id, end, payment, reason, tx);
    await this.reservations.end(order.id, ENDS[end].hold, reason, tx);
    await this.tell(ENDS[end].event, order, reason, tx);
  }

  /** The order's answer. */
  view(order: Order): OrderView {
    return orderView(order, this.money);
  }

  private async viewIn(id: string, tx: Tx): Promise<OrderView> {
    return this.view(await this.getIn(id, tx));
  }

  private async tell(type: EventType, order: OrderRow, reason: string | null, tx: Tx): Promise<void> {
    const { id, user_id, total_price_minor, currency } = order;
    await this.events.append(
      [{ type, data: { order_id: id, user_id, total_price_minor, currency, reason } }],
      tx,
    );
  }

  private async page(
    orders: Order[],
    query: PageQuery,
    count: () => Promise<number>,
  ): Promise<OrderPageView> {
    const { rows, next_cursor } = pageOf(
      orders,
      query,
      (order) => this.view(order),
      ({ id }) => encodeCursor(NEWEST_FIRST, [id]),
    );
    return { orders: rows, next_cursor, ...(query.count ? { total: await count() } : {}) };
  }
}

function cursorOf({ cursor }: PageQuery): string | null {
  return decodeUuidCursor(NEWEST_FIRST, cursor);
}

function timeOf(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(text);
}
