import { Injectable } from '@nestjs/common';
import { EventService } from '../event/event.service.js';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, decodeUuidCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { uuidv7 } from '../platform/uuid.js';
import { ProductService } from '../product/product.service.js';
import { takingsOf } from './goods.js';
import { AlreadyRolledBack, OrderOfTheShop } from './inventory.errors.js';
import {
  type Goods,
  type ReservationEnd,
  type ReservationRow,
  type ReservationWithItems,
  summed,
} from './inventory.types.js';
import { LedgerService } from './ledger.service.js';
import { type MakeRoom, OverdueHolds } from './overdue-holds.service.js';
import type {
  ExtendReservationDto,
  ReleaseReservationDto,
  ReservationsQuery,
  ReserveDto,
} from './reservation.dto.js';
import {
  ExtensionTooLong,
  OrderIdTaken,
  ReservationNotActive,
  ReservationNotFound,
  ReservationRanOut,
} from './reservation.errors.js';
import { ReservationRepository } from './reservation.repository.js';
import { ReservationService } from './reservation.service.js';
import { type ReservationPageView, type ReservationView, reservationView } from './reservation.view.js';
import { type RequestOutcome, ReservationRequests } from './reservation-requests.service.js';
import { outcomeOfEnding } from './reservation-states.js';

const NEWEST_FIRST = 'reservations';
const ENDING_FIRST = 'reservations-ending-first';

/** Holds as other systems ask for them. The holds of the shop's own orders can be seen and extended here, and end with their orders. */
@Injectable()
export class ExternalReservationService {
  constructor(
    private readonly repository: ReservationRepository,
    private readonly reservations: ReservationService,
    private readonly requests: ReservationRequests,
    private readonly overdueHolds: OverdueHolds,
    private readonly ledger: LedgerService,
    private readonly products: ProductService,
    private readonly events: EventService,
    private readonly idempotency: IdempotencyService,
    private readonly config: Config,
  ) {}

  /**
   * Takes goods for another system's order and holds them: 201. Idempotent by its claim and, while the goods are held, by its
   * `order_id`: the same request answers the reservation that it has made, as it is now.
   * @throws InsufficientStock, ProductsNotFound, OrderIdTaken, OrderOfTheShop, AlreadyRolledBack, and ReservationNotActive when
   * the reservation has ended — nothing was changed.
   */
  async reserve(dto: ReserveDto, claim: Claim | null): Promise<Answer<ReservationView>> {
    const goods = summed(dto.items);
    const productIds = goods.map(({ product_id }) => product_id);
    const answer = this.overdueHolds.withRoom(productIds, (makeRoom) =>
      this.idempotency.once(claim, 201, (tx) => this.reserveIn(dto, goods, makeRoom, tx)),
    );
    return this.requests.watch('external', answer, outcomeOf);
  }

  private async reserveIn(
    dto: ReserveDto,
    goods: Goods[],
    makeRoom: MakeRoom,
    tx: Tx,
  ): Promise<ReservationView> {
    const { order_id, payment_method = null } = dto;
    await this.ledger.lockOrder(order_id, tx);
    const earlier = await this.repository.findByOrderRef(order_id, tx);
    if (earlier) return viewOfSame(earlier, dto, goods);
    const productIds = goods.map(({ product_id }) => product_id);
    await this.assertUnused(order_id, productIds, tx);
    await makeRoom(tx);
    const takings = takingsOf(order_id, goods, await this.products.lockForCount(productIds, tx));
    const ttl_seconds = dto.ttl_seconds ?? this.config.reservationTtlSeconds(payment_method ?? '');
    const hold = { id: uuidv7(), order_ref: order_id, order_id: null, payment_method, ttl_seconds };
    await this.reservations.hold(takings, [hold], tx);
    return this.viewIn(hold.id, tx);
  }

  private async assertUnused(orderRef: string, productIds: number[], tx: Tx): Promise<void> {
    if ((await this.ledger.findTaken(orderRef, tx)).length > 0) throw new OrderIdTaken(orderRef);
    if (await this.ledger.wasRolledBack(orderRef, productIds, tx)) throw new AlreadyRolledBack(orderRef);
  }

  /**
   * The goods are sold: they are not held any more and do not come back. A repeat answers the same.
   * @throws ReservationNotFound, ReservationNotActive, OrderOfTheShop
   */
  async confirm(id: string, claim: Claim | null): Promise<Answer<ReservationView>> {
    return this.ending(id, claim, (row, tx) => this.end(row, 'fulfilled', null, tx));
  }

  /**
   * The goods come back, once. A repeat answers the same.
   * @throws ReservationNotFound, ReservationNotActive, OrderOfTheShop
   */
  async release(
    id: string,
    { reason }: ReleaseReservationDto,
    claim: Claim | null,
  ): Promise<Answer<ReservationView>> {
    return this.ending(id, claim, (row, tx) => this.end(row, 'cancelled', reason, tx));
  }

  /**
   * Holds the goods for longer, by at most the first time in all. Each call adds, so a client that may repeat itself sends
   * an idempotency key.
   * @throws ReservationNotFound, ReservationNotActive, ExtensionTooLong
   */
  async extend(
    id: string,
    { seconds }: ExtendReservationDto,
    claim: Claim | null,
  ): Promise<Answer<ReservationView>> {
    return this.ending(id, claim, async (row, tx) => {
      if (row.status !== 'active') throw new ReservationNotActive(row.status);
      if (row.overdue) throw new ReservationRanOut(row);
      const secondsLeft = row.ttl_seconds - row.extended_seconds;
      if (seconds > secondsLeft) throw new ExtensionTooLong(secondsLeft);
      const expires_at = await this.repository.extend(id, seconds, tx);
      const data = { reservation_id: id, order_id: row.order_ref, seconds, expires_at };
      await this.events.append([{ type: 'reservation.extended', data }], tx);
    });
  }

  private async end(row: ReservationRow, wish: ReservationEnd, reason: string | null, tx: Tx): Promise<void> {
    if (row.order_id !== null) throw new OrderOfTheShop(row.order_id);
    switch (outcomeOfEnding(row, wish)) {
      case 'ends':
        await this.reservations.end(row.order_ref, wish, reason, tx);
        return;
      case 'has ended so':
        return;
      case 'has ended otherwise':
        throw new ReservationNotActive(row.status);
      case 'has run out':
        throw new ReservationRanOut(row);
    }
  }

  /** Does `change` to the locked hold. One that turns out to have run out is ended, whatever was asked. */
  private async ending(
    id: string,
    claim: Claim | null,
    change: (row: ReservationRow, tx: Tx) => Promise<void>,
  ): Promise<Answer<ReservationView>> {
    try {
      return await this.idempotency.once(claim, 200, async (tx) => {
        const row = await this.repository.lock(id, tx);
        if (row === null) throw new ReservationNotFound();
        await change(row, tx);
        return this.viewIn(id, tx);
      });
    } catch (error) {
      // Of its own, since the refusal has undone its transaction. Who is at it now will end it as well.
      if (error instanceof ReservationRanOut) await this.overdueHolds.endOne(error.hold);
      throw error;
    }
  }

  /** @throws ReservationNotFound */
  async get(id: string): Promise<ReservationView> {
    const reservation = await this.repository.findWithItems(id);
    if (reservation === null) throw new ReservationNotFound();
    return reservationView(reservation);
  }

  /**
   * All holds that the query lets through, newest first; or the active ones, those that end first before the others.
   * @throws ValidationFailed when others are to be sorted by their end: they have had it.
   */
  async list(query: ReservationsQuery): Promise<ReservationPageView> {
    if (query.sort === 'expires') return this.listEnding(query);
    const filter = { status: query.status ?? null, order_ref: query.order_id ?? null };
    const before = decodeUuidCursor(NEWEST_FIRST, query.cursor);
    const found = await this.repository.list(filter, before, query.limit + 1);
    const { rows, next_cursor } = pageOf(found, query, reservationView, ({ id }) =>
      encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count(filter) } : {};
    return { reservations: rows, next_cursor, ...total };
  }

  private async listEnding(query: ReservationsQuery): Promise<ReservationPageView> {
    const { status, order_id: order_ref = null } = query;
    if (status !== 'active') throw ValidationFailed.of('sort', 'sort can be expires only with status=active');
    const after = decodeCursor(ENDING_FIRST, ['number', 'uuid'], query.cursor);
    const found = await this.repository.listEnding(order_ref, after, query.limit + 1);
    const { rows, next_cursor } = pageOf(found, query, reservationView, ({ expires_us, id }) =>
      encodeCursor(ENDING_FIRST, [expires_us, id]),
    );
    const total = query.count ? { total: await this.repository.count({ status, order_ref }) } : {};
    return { reservations: rows, next_cursor, ...total };
  }

  private async viewIn(id: string, tx: Tx): Promise<ReservationView> {
    return reservationView((await this.repository.findWithItemsIn(id, tx)) as ReservationWithItems);
  }
}

function outcomeOf({ replayed }: Answer<ReservationView>): RequestOutcome {
  return replayed ? 'repeated' : 'created';
}

/**
 * @throws OrderOfTheShop, OrderIdTaken unless what has this order id is the reservation that is asked for; ReservationNotActive
 * when that has ended: an answer of 201 would be taken for goods that are held.
 */
function viewOfSame(earlier: ReservationWithItems, dto: ReserveDto, goods: Goods[]): ReservationView {
  const { order_id, payment_method = null, ttl_seconds } = dto;
  if (earlier.order_id !== null) throw new OrderOfTheShop(order_id);
  const same =
    earlier.payment_method === payment_method &&
    (ttl_seconds === undefined || earlier.ttl_seconds === ttl_seconds) &&
    isSame(earlier.items, goods);
  if (!same) throw new OrderIdTaken(order_id);
  if (earlier.status !== 'active') throw new ReservationNotActive(earlier.status);
  return reservationView(earlier);
}

function isSame(some: Goods[], others: Goods[]): boolean {
  const quantities = new Map(others.map(({ product_id, quantity }) => [product_id, quantity]));
  const same = ({ product_id, quantity }: Goods) => quantities.get(product_id) === quantity;
  return some.length === others.length && some.every(same);
}
