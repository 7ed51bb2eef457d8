import { Injectable } from '@nestjs/common';
import { summed } from '../inventory/inventory.types.js';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/database/tx.js';
import { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import {
  decodeCursor,
  decodeUuidCursor,
  encodeCursor,
  type Keyset,
  type KeysetKind,
  type PageQuery,
  pageOf,
} from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { Money } from '../platform/money.js';
import { note } from '../platform/observability/subject.js';
import { uuidv7 } from '../platform/uuid.js';
import type { AdminOrdersQuery, PlaceOrderDto, PurchaseDto } from './order.dto.js';
import { OrderNotFound } from './order.errors.js';
import { OrderRepository } from './order.repository.js';
import type { CheckoutPart, Order, OrderSort, RequestedLine } from './order.types.js';
import { type OrderPageView, type OrderView, orderView } from './order.view.js';
import { OrderLife } from './order-life.service.js';
import { OrderListRepository } from './order-list.repository.js';
import { PlacementService } from './placement/placement.service.js';
import type { Outcome } from './placement/placement.transaction.js';

/** Placing orders and reading them; what moves them afterwards stands in `OrderLife`. */
@Injectable()
export class OrderService {
  constructor(
    private readonly placement: PlacementService,
    private readonly repository: OrderRepository,
    private readonly lists: OrderListRepository,
    private readonly lives: OrderLife,
    private readonly money: Money,
    private readonly config: Config,
  ) {}

  /**
   * Places an order for the caller: 201 with the order. Idempotent by its claim.
   * @throws InsufficientStock, DiscountInvalid, PointsInsufficient, PriceChanged, ProductUnavailable, NotFound — and then
   * nothing was changed.
   */
  async place(caller: Caller, dto: PlaceOrderDto, claim: Claim | null): Promise<Answer<OrderView>> {
    const outcome = await this.placeLines(caller.id, summed(dto.items), dto, dto.note ?? null, claim, null);
    if (outcome.kind === 'placed') return new Answer(201, this.view(outcome.order));
    if (outcome.kind === 'refused') throw outcome.error;
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
    const { payment_method, discount_code, redeem_points, expected_total, shipping_address } = dto;
    return this.placement.place({
      order_id: uuidv7(),
      user_id: userId,
      lines,
      payment_method,
      discount_code: discount_code ?? null,
      redeem_points: redeem_points ?? 0,
      expected_total_minor:
        expected_total == null ? null : this.money.minorOf(expected_total, 'expected_total'),
      shipping_address: shipping_address ?? null,
      note,
      hold_seconds: this.config.reservationTtlSeconds(payment_method),
      claim,
      checkout,
      whenFree: checkout ? null : this.lives,
    });
  }

  /** The caller's own order. @throws OrderNotFound, for somebody else's as well. */
  async getOwn(caller: Caller, id: string): Promise<Order> {
    const order = await this.repository.find(id);
    if (order?.user_id !== caller.id) throw new OrderNotFound();
    note({ order_id: id });
    return order;
  }

  /** Any order, for admins. @throws OrderNotFound */
  async get(id: string): Promise<Order> {
    const order = await this.repository.find(id);
    if (!order) throw new OrderNotFound();
    note({ order_id: id });
    return order;
  }

  /** The caller's own orders, newest first. */
  async listOwn(caller: Caller, query: PageQuery): Promise<OrderPageView> {
    const before = decodeUuidCursor('newest', query.cursor);
    const orders = await this.repository.listOfUser(caller.id, before, query.limit + 1);
    return this.page(orders, query, 'newest', () => this.repository.countOfUser(caller.id));
  }

  /** Everybody's orders, newest first unless another sort is asked for. `from` is included, `to` is not. */
  async list(query: AdminOrdersQuery): Promise<OrderPageView> {
    const { status, user, product, q, sort } = query;
    const times = { from: timeOf(query.from), to: timeOf(query.to) };
    const filter = { status, user_id: user, product_id: product, q, ...times };
    const after = decodeCursor(sort, CURSORS[sort].kinds, query.cursor);
    const orders = await this.lists.list(filter, sort, after, query.limit + 1);
    return this.page(orders, query, sort, () => this.lists.count(filter));
  }

  /** The order as it stands in `tx`, with all that its answer shows. */
  async getIn(id: string, tx: Tx): Promise<Order> {
    const [order] = await this.repository.findAll([id], tx);
    if (!order) throw new OrderNotFound();
    return order;
  }

  /** The order's answer as it stands in `tx`. */
  async viewIn(id: string, tx: Tx): Promise<OrderView> {
    return this.view(await this.getIn(id, tx));
  }

  /** The order's answer. */
  view(order: Order): OrderView {
    return orderView(order, this.money);
  }

  private async page(
    orders: Order[],
    query: PageQuery,
    sort: OrderSort,
    count: () => Promise<number>,
  ): Promise<OrderPageView> {
    const { rows, next_cursor } = pageOf(
      orders,
      query,
      (order) => this.view(order),
      (order) => encodeCursor(sort, CURSORS[sort].placeOf(order)),
    );
    return { orders: rows, next_cursor, ...(query.count ? { total: await count() } : {}) };
  }
}

/** What a cursor holds in each order: the values of the columns that it sorts by. */
const CURSORS: Record<OrderSort, { kinds: KeysetKind[]; placeOf(order: Order): Keyset }> = {
  newest: { kinds: ['uuid'], placeOf: ({ id }) => [id] },
  oldest: { kinds: ['uuid'], placeOf: ({ id }) => [id] },
  total: { kinds: ['number', 'uuid'], placeOf: (order) => [order.total_price_minor, order.id] },
  '-total': { kinds: ['number', 'uuid'], placeOf: (order) => [order.total_price_minor, order.id] },
};

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
