import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { EventService } from '../../event/event.service.js';
import { InventoryService } from '../../inventory/inventory.service.js';
import { Config } from '../../platform/config/config.js';
import { isBusy, isConnectionFault, violates } from '../../platform/database/database.errors.js';
import { DatabaseService } from '../../platform/database/database.service.js';
import type { Tx } from '../../platform/database/tx.js';
import { type DomainError, NotFound, Overloaded, ValidationFailed } from '../../platform/errors.js';
import { type ClaimState, IdempotencyService } from '../../platform/idempotency/idempotency.service.js';
import { Money } from '../../platform/money.js';
import { ProductService } from '../../product/product.service.js';
import type { LockedProduct } from '../../product/product.types.js';
import { CheckoutInProgress, InsufficientStock, PriceChanged, ProductUnavailable } from '../order.errors.js';
import { OrderRepository } from '../order.repository.js';
import type { Order, PlacementCompanion, PlacementRequest } from '../order.types.js';
import { orderView } from '../order.view.js';
import { decide, type PlacedDraft, type Refusal } from './decide.js';
import { PlacementQueue } from './placement.queue.js';

/** What became of a request: a new order, a refusal, or a claim that an earlier call has made. */
export type Outcome =
  | { kind: 'placed'; order: Order }
  | { kind: 'refused'; error: DomainError }
  | { kind: 'claimed'; state: Exclude<ClaimState, { kind: 'fresh' }> };

type Settled = PromiseSettledResult<Outcome>;

/** Which try at a batch this is, and whether it may wait for locks. */
type Round = 'first' | 'again' | 'without waiting';

/**
 * Turns requests into orders in three steps: lock, decide, write. One path for one request and for sixty-four.
 *
 * Lock order, here and everywhere: idempotency claim → order → products by ascending id → discount → points account → cart.
 */
@Injectable()
export class PlacementService {
  private readonly queue: PlacementQueue<PlacementRequest, Outcome>;

  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly products: ProductService,
    private readonly inventory: InventoryService,
    private readonly events: EventService,
    private readonly orders: OrderRepository,
    private readonly money: Money,
    config: Config,
  ) {
    const { PLACEMENT_BATCH_MAX, PLACEMENT_QUEUE_MAX } = config.env;
    this.queue = new PlacementQueue(
      (batch) => this.placeBatch(batch),
      PLACEMENT_BATCH_MAX,
      PLACEMENT_QUEUE_MAX,
    );
  }

  /**
   * Places one order, together with whatever else is waiting. When it resolves with `placed`, the order is on disk.
   * Idempotent by the request's claim and by its order id.
   */
  async place(request: PlacementRequest): Promise<Outcome> {
    return this.queue.enter(request, request.claim?.scope ?? null);
  }

  private async placeBatch(batch: PlacementRequest[]): Promise<Settled[]> {
    try {
      return await this.placeTogether(batch, 'first');
    } catch (error) {
      // The connection may have been lost after COMMIT: look what is there before anything is placed again.
      if (isConnectionFault(error))
        return this.placeTogether(batch, 'again').catch(() => refuseAll(batch, error));
      // Somebody holds a product for too long: whoever wants others must not wait for that one any longer.
      if (isBusy(error))
        return this.placeTogether(batch, 'without waiting').catch(() => refuseAll(batch, error));
      return this.placeOneByOne(batch);
    }
  }

  // A request that breaks a whole batch must not harm its neighbours.
  private async placeOneByOne(batch: PlacementRequest[]): Promise<Settled[]> {
    const settled: Settled[] = [];
    for (const request of batch) {
      settled.push(
        ...(await this.placeTogether([request], 'again').catch((error) => [refusalOfFault(error)])),
      );
    }
    return settled;
  }

  private async placeTogether(batch: PlacementRequest[], round: Round): Promise<Settled[]> {
    const outcomes = await this.database.transaction((tx) => this.placeIn(batch, round, tx));
    return outcomes.map((value) => ({ status: 'fulfilled', value }));
  }

  private async placeIn(batch: PlacementRequest[], round: Round, tx: Tx): Promise<Outcome[]> {
    const outcomes = new Map<PlacementRequest, Outcome>();
    const open = () => batch.filter((request) => !outcomes.has(request));
    if (round !== 'first') await this.sortOutPlaced(open(), outcomes, tx);
    await this.sortOutClaimed(open(), outcomes, tx);
    const products = await this.lock(open(), round, outcomes, tx);
    // Once more: a COMMIT that was under way when we looked has let the products go only now.
    if (round !== 'first') await this.sortOutPlaced(open(), outcomes, tx);

    const requests = open();
    const boughtRounds = await this.orders.findBoughtRounds(cartIdsOf(requests), tx);
    const { decisions, writes } = decide({ products, boughtRounds }, requests);
    const placed = await this.write(writes.orders, writes.takings, tx);
    decisions.forEach((decision, index) => {
      const request = requests[index] as PlacementRequest;
      outcomes.set(
        request,
        'placed' in decision
          ? { kind: 'placed', order: placed.get(request.order_id) as Order }
          : { kind: 'refused', error: this.errorOf(decision.refused) },
      );
    });
    return batch.map((request) => outcomes.get(request) as Outcome);
  }

  private async lock(
    requests: PlacementRequest[],
    round: Round,
    outcomes: Map<PlacementRequest, Outcome>,
    tx: Tx,
  ): Promise<Map<number, LockedProduct>> {
    const ids = productIdsOf(requests);
    if (round !== 'without waiting') return byId(await this.products.lockForSale(ids, tx));
    const { free, busy } = await this.products.lockFree(ids, tx);
    for (const request of requests) {
      const waits = request.lines.some(({ product_id }) => busy.has(product_id));
      if (waits)
        outcomes.set(request, { kind: 'refused', error: new Overloaded('the product is busy; try again') });
    }
    return byId(free);
  }

  private async sortOutClaimed(batch: PlacementRequest[], outcomes: Map<PlacementRequest, Outcome>, tx: Tx) {
    const claims = batch.flatMap(({ claim }) => claim ?? []);
    const states = await this.idempotency.lockAll(claims, tx);
    for (const request of batch) {
      const state = request.claim && states.get(request.claim.scope);
      if (state && state.kind !== 'fresh') outcomes.set(request, { kind: 'claimed', state });
    }
  }

  private async sortOutPlaced(open: PlacementRequest[], outcomes: Map<PlacementRequest, Outcome>, tx: Tx) {
    const found = await this.orders.findAll(
      open.map(({ order_id }) => order_id),
      tx,
    );
    const orders = byId(found);
    for (const request of open) {
      const order = orders.get(request.order_id);
      if (order) outcomes.set(request, { kind: 'placed', order });
    }
  }

  private async write(
    drafts: PlacedDraft[],
    takings: { order_id: string; product_id: number; quantity: number; stock_after: number }[],
    tx: Tx,
  ): Promise<Map<string, Order>> {
    if (drafts.length === 0) return new Map();
    const now = await this.orders.insert(drafts, this.money.currency, tx);
    const placed = drafts.map((draft) => this.orderOf(draft, now));
    await this.inventory.take(
      takings.map(({ order_id, ...taking }) => ({ order_ref: order_id, ...taking })),
      placed.map(({ id, reservation, payment_method }, index) => ({
        id: (reservation as NonNullable<Order['reservation']>).id,
        order_ref: id,
        order_id: id,
        payment_method,
        ttl_seconds: (drafts[index] as PlacedDraft).request.hold_seconds,
      })),
      tx,
    );
    await this.events.append(
      placed.map((order) => ({ type: 'order.placed', data: placedData(order) })),
      tx,
    );
    await this.writeClaims(drafts, placed, tx);
    await this.accompany(drafts, placed, tx);
    return new Map(placed.map((order) => [order.id, order]));
  }

  // A plain order is answered by its placement; a checkout goes on, so its claim only begins here.
  private async writeClaims(drafts: PlacedDraft[], placed: Order[], tx: Tx): Promise<void> {
    const finished = [];
    const begun = [];
    let busyMs = 0;
    for (const [index, { request }] of drafts.entries()) {
      const order = placed[index] as Order;
      const { claim, checkout } = request;
      if (!claim) continue;
      if (checkout) {
        begun.push({ claim, resourceId: order.id });
        busyMs = Math.max(busyMs, checkout.busy_ms);
      } else {
        finished.push({ claim, status: 201, response: JSON.stringify(orderView(order, this.money)) });
      }
    }
    await this.idempotency.finishAll(finished, tx);
    await this.idempotency.beginAll(begun, busyMs, tx);
  }

  private async accompany(drafts: PlacedDraft[], placed: Order[], tx: Tx): Promise<void> {
    const parties = new Map<PlacementCompanion, { order: Order; context: unknown }[]>();
    for (const [index, { request }] of drafts.entries()) {
      if (!request.checkout) continue;
      const { companion, context } = request.checkout;
      const party = parties.get(companion) ?? [];
      party.push({ order: placed[index] as Order, context });
      parties.set(companion, party);
    }
    for (const [companion, party] of parties) await companion.accompany(party, tx);
  }

  private orderOf({ request, lines, items_price_minor, total_price_minor }: PlacedDraft, now: Date): Order {
    return {
      id: request.order_id,
      user_id: request.user_id,
      status: 'pending',
      payment_status: request.checkout?.payment_status ?? 'unpaid',
      payment_method: request.payment_method,
      currency: this.money.currency,
      items_price_minor,
      discount_code: null,
      discount_price_minor: 0,
      redeemed_points: 0,
      points_discount_price_minor: 0,
      shipping_price_minor: 0,
      total_price_minor,
      shipping_address: request.shipping_address,
      note: request.note,
      cart_id: request.checkout?.cart_id ?? null,
      cart_round: request.checkout?.cart_round ?? null,
      created_at: now,
      updated_at: now,
      lines,
      reservation: {
        id: uuidv7(),
        status: 'active',
        expires_at: new Date(now.getTime() + request.hold_seconds * 1_000),
      },
      history: [{ status: 'pending', reason: null, at: now }],
    };
  }

  private errorOf(refusal: Refusal): DomainError {
    switch (refusal.because) {
      case 'product_not_found':
        return new NotFound('product not found');
      case 'product_unavailable':
        return new ProductUnavailable(
          refusal.products.map(({ name }) => name),
          refusal.products.map(({ id }) => id),
        );
      case 'insufficient_stock':
        return new InsufficientStock(refusal.items);
      case 'price_changed':
        return new PriceChanged(
          this.money.majorOf(refusal.expected_minor),
          this.money.majorOf(refusal.actual_minor),
        );
      case 'total_too_large':
        return ValidationFailed.of('items', 'the total is too large');
      case 'checkout_in_progress':
        return new CheckoutInProgress();
    }
  }
}

function byId<T extends { id: string | number }>(rows: T[]): Map<T['id'], T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function productIdsOf(requests: PlacementRequest[]): number[] {
  return [...new Set(requests.flatMap(({ lines }) => lines.map(({ product_id }) => product_id)))];
}

function cartIdsOf(requests: PlacementRequest[]): string[] {
  return requests.flatMap(({ checkout }) => checkout?.cart_id ?? []);
}

function placedData(order: Order): Record<string, unknown> {
  return {
    order_id: order.id,
    user_id: order.user_id,
    total_price_minor: order.total_price_minor,
    currency: order.currency,
    items: order.lines.map(({ product_id, quantity }) => ({ product_id, quantity })),
  };
}

function refuseAll(batch: PlacementRequest[], reason: unknown): Settled[] {
  return batch.map(() => ({ status: 'rejected', reason }));
}

// Another instance has bought the same round of the cart between our look and our write: the index has seen it.
function refusalOfFault(error: unknown): Settled {
  return violates(error, 'orders_cart_once')
    ? { status: 'fulfilled', value: { kind: 'refused', error: new CheckoutInProgress() } }
    : { status: 'rejected', reason: error };
}
