import { Injectable } from '@nestjs/common';
import { EventService } from '../../event/event.service.js';
import type { MakeRoom } from '../../inventory/overdue-holds.service.js';
import { ReservationService } from '../../inventory/reservation.service.js';
import { Config } from '../../platform/config/config.js';
import { inOneFlight } from '../../platform/database/flight.js';
import type { Tx } from '../../platform/database/tx.js';
import { type DomainError, Overloaded } from '../../platform/errors.js';
import { IdempotencyService, type RepeatState } from '../../platform/idempotency/idempotency.service.js';
import { Money } from '../../platform/money.js';
import { uuidv7 } from '../../platform/uuid.js';
import { ProductService } from '../../product/product.service.js';
import type { LockedProduct } from '../../product/product.types.js';
import { OrderRepository } from '../order.repository.js';
import type { Order, PlacementCompanion, PlacementRequest } from '../order.types.js';
import { orderView } from '../order.view.js';
import { OrderBenefits } from '../order-benefits.service.js';
import { decide, type LockedBenefits, type PlacedDraft, type Writes } from './decide.js';
import type { PricingTerms } from './pricing.js';
import { errorOf } from './refusals.js';

/** What became of a request: a new order, a refusal, or what an earlier call with its claim has come to. */
export type Outcome =
  | { kind: 'placed'; order: Order }
  | { kind: 'refused'; error: DomainError; awaited?: boolean }
  | { kind: 'claimed'; state: Exclude<RepeatState, { kind: 'refused' }> };

export interface How {
  /** Which try at the batch this is: a later one looks first what an earlier one has left, and may refuse to wait. */
  round: 'first' | 'again' | 'without waiting';
  /** Ends overdue holds that are in the way, before the products are locked. */
  makeRoom: MakeRoom | null;
}

type Outcomes = Map<PlacementRequest, Outcome>;

/**
 * One batch in one transaction, in three steps: lock, decide, write. One path for one request and for sixty-four.
 *
 * Lock order, here and everywhere: idempotency claim → the name of another system's order → room → orders by id → holds of
 * others by id → products by id → discounts by id → points accounts by user → cart. docs/architecture.md says why.
 */
@Injectable()
export class PlacementTransaction {
  private readonly terms: PricingTerms;

  constructor(
    private readonly idempotency: IdempotencyService,
    private readonly products: ProductService,
    private readonly reservations: ReservationService,
    private readonly events: EventService,
    private readonly orders: OrderRepository,
    private readonly benefits: OrderBenefits,
    private readonly money: Money,
    config: Config,
  ) {
    this.terms = termsOf(config, money);
  }

  /** @returns the outcome of each request, in the order of the requests. */
  async place(batch: PlacementRequest[], how: How, tx: Tx): Promise<Outcome[]> {
    const outcomes: Outcomes = new Map();
    const open = () => batch.filter((request) => !outcomes.has(request));

    // What an earlier round has committed without our hearing of it, claim or order, comes before anything else.
    const isRepeat = how.round !== 'first';
    if (isRepeat) await this.sortOutPlaced(open(), outcomes, tx);
    // Claims before products, and not in one flight with them: a repeat of a running call must not wait for its goods.
    await this.sortOutClaimed(open(), outcomes, tx);
    await how.makeRoom?.(tx);
    const [products, benefits, now] = await inOneFlight([
      this.lockProducts(open(), how, outcomes, tx),
      this.lockBenefits(open(), how, outcomes, tx),
      this.orders.now(tx),
    ]);
    // Once more: a COMMIT that was under way when we looked has let the products go only now.
    if (isRepeat) await this.sortOutPlaced(open(), outcomes, tx);

    const requests = open();
    const boughtRounds = await this.orders.findBoughtRounds(cartIdsOf(requests), tx);
    const locked = { products: byId(products), boughtRounds, benefits, terms: this.terms, now };
    const { decisions, writes } = decide(locked, requests);

    const placed = await this.write(writes, now, tx);
    for (const [index, decision] of decisions.entries()) {
      const request = requests[index] as PlacementRequest;
      outcomes.set(
        request,
        'placed' in decision
          ? { kind: 'placed', order: placed.get(request.order_id) as Order }
          : { kind: 'refused', error: errorOf(decision.refused, this.money) },
      );
    }
    return batch.map((request) => outcomes.get(request) as Outcome);
  }

  private async lockProducts(
    requests: PlacementRequest[],
    { round }: How,
    outcomes: Outcomes,
    tx: Tx,
  ): Promise<LockedProduct[]> {
    if (round !== 'without waiting') return this.products.lockForSale(productIdsOf(requests), tx);
    const { free, busy } = await this.products.lockFree(productIdsOf(requests), tx);
    for (const request of requests) {
      const mustWait = request.lines.some(({ product_id }) => busy.has(product_id));
      if (mustWait)
        outcomes.set(request, { kind: 'refused', error: new Overloaded('the product is busy; try again') });
    }
    return free;
  }

  private async lockBenefits(
    requests: PlacementRequest[],
    { round }: How,
    outcomes: Outcomes,
    tx: Tx,
  ): Promise<LockedBenefits> {
    if (round !== 'without waiting') return this.benefits.lock(requests, [], tx);
    const { mustWait, ...free } = await this.benefits.lockFree(requests, tx);
    for (const request of mustWait)
      outcomes.set(request, {
        kind: 'refused',
        error: new Overloaded('the discount or the points are busy; try again'),
      });
    return free;
  }

  private async sortOutClaimed(batch: PlacementRequest[], outcomes: Outcomes, tx: Tx): Promise<void> {
    const claims = batch.flatMap(({ claim }) => claim ?? []);
    const states = await this.idempotency.lockAll(claims, tx);
    for (const request of batch) {
      const state = request.claim && states.get(request.claim.scope);
      if (state && state.kind !== 'fresh') outcomes.set(request, outcomeOfRepeat(state));
    }
  }

  private async sortOutPlaced(open: PlacementRequest[], outcomes: Outcomes, tx: Tx): Promise<void> {
    const ids = open.map(({ order_id }) => order_id);
    const orders = byId(await this.orders.findAll(ids, tx));
    for (const request of open) {
      const order = orders.get(request.order_id);
      if (order) outcomes.set(request, { kind: 'placed', order });
    }
  }

  private async write(writes: Writes, now: Date, tx: Tx): Promise<Map<string, Order>> {
    const { orders: drafts, takings } = writes;
    if (drafts.length === 0) return new Map();
    const placed = new Map(drafts.map((draft) => [draft.request.order_id, this.orderOf(draft, now)]));
    const orders = [...placed.values()];
    await inOneFlight([
      this.orders.insert(drafts, this.money.currency, tx),
      this.reservations.hold(
        takings.map(({ order_id, ...taking }) => ({ order_ref: order_id, ...taking })),
        orders.map((order, index) => holdOf(order, (drafts[index] as PlacedDraft).request)),
        tx,
      ),
      this.benefits.take(writes, tx),
      this.events.append(
        orders.map((order) => ({ type: 'order.placed', data: placedData(order, this.money) })),
        tx,
      ),
      ...this.writeClaims(
        drafts.filter((draft) => !isFree(draft)),
        placed,
        tx,
      ),
    ]);
    await this.settleFree(drafts.filter(isFree), placed, tx);
    await this.accompany(drafts, placed, tx);
    return placed;
  }

  // Before its claim is answered, so that the order is paid in what its repeats are told, too.
  private async settleFree(free: PlacedDraft[], placed: Map<string, Order>, tx: Tx): Promise<void> {
    if (free.length === 0) return;
    for (const { request } of free)
      await request.whenFree?.settleFree(placed.get(request.order_id) as Order, tx);
    const ids = free.map(({ request }) => request.order_id);
    for (const order of await this.orders.findAll(ids, tx)) placed.set(order.id, order);
    await inOneFlight(this.writeClaims(free, placed, tx));
  }

  // A plain order is answered by its placement; a checkout goes on, so its claim only begins here.
  private writeClaims(drafts: PlacedDraft[], placed: ReadonlyMap<string, Order>, tx: Tx): Promise<void>[] {
    const finished = [];
    const begun = [];
    let busyMs = 0;
    for (const { request } of drafts) {
      const order = placed.get(request.order_id) as Order;
      const { claim, checkout } = request;
      if (!claim) continue;
      if (checkout) {
        begun.push({ claim, resourceId: order.id });
        busyMs = Math.max(busyMs, checkout.busy_ms);
      } else {
        finished.push({ claim, status: 201, response: JSON.stringify(orderView(order, this.money)) });
      }
    }
    return [this.idempotency.finishAll(finished, tx), this.idempotency.beginAll(begun, busyMs, tx)];
  }

  private async accompany(drafts: PlacedDraft[], placed: ReadonlyMap<string, Order>, tx: Tx): Promise<void> {
    const parties = new Map<PlacementCompanion, { order: Order; context: unknown }[]>();
    for (const { request } of drafts) {
      if (!request.checkout) continue;
      const { companion, context } = request.checkout;
      const party = parties.get(companion) ?? [];
      party.push({ order: placed.get(request.order_id) as Order, context });
      parties.set(companion, party);
    }
    for (const [companion, party] of parties) await companion.accompany(party, tx);
  }

  private orderOf({ request, lines, ...price }: PlacedDraft, now: Date): Order {
    return {
      id: request.order_id,
      user_id: request.user_id,
      status: 'pending',
      payment_status: request.checkout?.payment_status ?? 'unpaid',
      payment_method: request.payment_method,
      currency: this.money.currency,
      ...price,
      discount_code: request.discount_code,
      shipping_address: request.shipping_address,
      note: request.note,
      tracking_number: null,
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
}

/** What becomes of a request whose claim an earlier call has made, or is making. */
export function outcomeOfRepeat(state: RepeatState): Outcome {
  return state.kind === 'refused' ? state : { kind: 'claimed', state };
}

export function productIdsOf(requests: PlacementRequest[]): number[] {
  return [...new Set(requests.flatMap(({ lines }) => lines.map(({ product_id }) => product_id)))];
}

const isFree = ({ request, total_price_minor }: PlacedDraft) =>
  total_price_minor === 0 && request.whenFree !== null;

function termsOf({ env, pointValue }: Config, money: Money): PricingTerms {
  const { SHIPPING_FLAT_PRICE, SHIPPING_FREE_FROM } = env;
  return {
    point_value_minor: money.minorOf(pointValue, 'POINT_VALUE'),
    shipping_flat_price_minor: money.minorOf(SHIPPING_FLAT_PRICE, 'SHIPPING_FLAT_PRICE'),
    shipping_free_from_minor:
      SHIPPING_FREE_FROM === undefined ? null : money.minorOf(SHIPPING_FREE_FROM, 'SHIPPING_FREE_FROM'),
  };
}

function cartIdsOf(requests: PlacementRequest[]): string[] {
  return requests.flatMap(({ checkout }) => checkout?.cart_id ?? []);
}

function byId<T extends { id: string | number }>(rows: T[]): Map<T['id'], T> {
  return new Map(rows.map((row) => [row.id, row]));
}

function holdOf({ id, reservation, payment_method }: Order, { hold_seconds }: PlacementRequest) {
  return {
    id: (reservation as NonNullable<Order['reservation']>).id,
    order_ref: id,
    order_id: id,
    payment_method,
    ttl_seconds: hold_seconds,
  };
}

function placedData(order: Order, money: Money): Record<string, unknown> {
  return {
    order_id: order.id,
    user_id: order.user_id,
    total_price: money.majorOf(order.total_price_minor),
    currency: order.currency,
    items: order.lines.map(({ product_id, quantity }) => ({ product_id, quantity })),
  };
}
