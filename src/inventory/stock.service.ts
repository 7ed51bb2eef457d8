import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, type Keyset, type KeysetKind, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { ProductService } from '../product/product.service.js';
import { takingsOf } from './goods.js';
import { AlreadyRolledBack, HeldByReservation, OrderOfTheShop } from './inventory.errors.js';
import { type GivingBack, type Goods, type LowSort, summed, type Taken } from './inventory.types.js';
import { LedgerService } from './ledger.service.js';
import { type MakeRoom, OverdueHolds } from './overdue-holds.service.js';
import { ReservationService } from './reservation.service.js';
import {
  type CheckDto,
  type DecrementDto,
  type LowStockQuery,
  type RollbackDto,
  STOCK_MAX,
} from './stock.dto.js';
import { type HoldOfOrder, type LowProduct, StockRepository } from './stock.repository.js';
import type {
  CheckView,
  DecrementView,
  LowStockPageView,
  RestoredView,
  RollbackView,
  StockStepView,
  SummaryView,
} from './stock.view.js';

const ROLLED_BACK = 'rolled back';

/** Stock as other systems see it: they ask for it, take it for their orders, and give it back. */
@Injectable()
export class StockService {
  constructor(
    private readonly repository: StockRepository,
    private readonly ledger: LedgerService,
    private readonly reservations: ReservationService,
    private readonly overdueHolds: OverdueHolds,
    private readonly products: ProductService,
    private readonly idempotency: IdempotencyService,
    private readonly money: Money,
  ) {}

  /** Whether the goods could be had now. Promises nothing: it takes no lock and changes nothing. */
  async check({ items }: CheckDto): Promise<CheckView> {
    const wanted = summed(items);
    const found = await this.repository.findAvailable(idsOf(wanted));
    const available = new Map(found.map((row) => [row.product_id, row.available]));
    const answers = wanted.map(({ product_id, quantity }) => {
      const available_quantity = available.get(product_id) ?? 0;
      const is_available = quantity <= available_quantity;
      return { product_id, requested_quantity: quantity, available_quantity, is_available };
    });
    return { all_available: answers.every(({ is_available }) => is_available), items: answers };
  }

  /**
   * Takes goods for another system's order, all or nothing. Once per `order_id`: a repeat, whatever it names, answers what
   * was taken then, also when that has come back. Goods of overdue holds are free for it. Products that are inactive, or sold
   * only through their variants, are taken as well: what the shop shows is not what the warehouse has.
   * @throws ProductsNotFound, InsufficientStock, OrderOfTheShop, HeldByReservation, and AlreadyRolledBack when the rollback, or
   * the end of a reservation that gave the goods back, came first — and then nothing was changed.
   */
  async decrement({ order_id, items }: DecrementDto, claim: Claim | null): Promise<Answer<DecrementView>> {
    const goods = summed(items);
    return this.overdueHolds.withRoom(idsOf(goods), (makeRoom) =>
      this.idempotency.once(claim, 200, (tx) => this.takeOnce(order_id, goods, makeRoom, tx)),
    );
  }

  private async takeOnce(
    orderRef: string,
    goods: Goods[],
    makeRoom: MakeRoom,
    tx: Tx,
  ): Promise<DecrementView> {
    const hold = await this.lockOrder(orderRef, tx);
    if (hold?.status === 'active' && !hold.overdue) throw new HeldByReservation(orderRef);
    const taken = await this.ledger.findTaken(orderRef, tx);
    // What a reservation took and gave back, no decrement has taken: this is not the repeat of one.
    const cameTooLate = hold
      ? hold.status !== 'fulfilled'
      : taken.length === 0 && (await this.ledger.wasRolledBack(orderRef, idsOf(goods), tx));
    if (cameTooLate) throw new AlreadyRolledBack(orderRef);
    if (taken.length > 0) return { success: true, results: taken.map(stepDown) };

    await makeRoom(tx);
    const takings = takingsOf(orderRef, goods, await this.products.lockForCount(idsOf(goods), tx));
    await this.ledger.take(takings, tx);
    return { success: true, results: takings.map(stepDown) };
  }

  /**
   * Gives back what the ledger shows was taken for another system's order: all of it, or of the named products at most the
   * quantities beside them. Once a product, however often and however parallel it is called. A rollback that comes before
   * anything was taken is remembered. An active reservation of the order is cancelled, as a whole.
   * @throws OrderOfTheShop; HeldByReservation for a part of what is reserved.
   */
  async rollback({ order_id, items }: RollbackDto, claim: Claim | null): Promise<Answer<RollbackView>> {
    const wanted = items ? wantedOf(items) : null;
    return this.idempotency.once(claim, 200, async (tx) => {
      const results = await this.rollBackOnce(order_id, wanted, tx);
      return { success: true, results };
    });
  }

  private async rollBackOnce(orderRef: string, wanted: GivingBack[] | null, tx: Tx): Promise<RestoredView[]> {
    const hold = await this.lockOrder(orderRef, tx);
    const cancelled = hold?.status === 'active' ? await this.cancelHold(orderRef, wanted, tx) : null;
    if (cancelled) return cancelled;
    const taken = await this.ledger.findTaken(orderRef, tx);
    if (taken.length === 0) {
      await this.ledger.rememberRollback(orderRef, wanted && idsOf(wanted), tx);
      return [];
    }
    return this.giveBack(orderRef, wanted ?? allOf(taken), taken, tx);
  }

  // Were only a part given back, the end of the hold could not give back the rest: goods come back once a product.
  private async cancelHold(
    orderRef: string,
    wanted: GivingBack[] | null,
    tx: Tx,
  ): Promise<RestoredView[] | null> {
    if (wanted !== null) throw new HeldByReservation(orderRef);
    // Somebody else has ended it since we looked: what they have not given back is still ours to give.
    if (!(await this.reservations.end(orderRef, 'cancelled', ROLLED_BACK, tx))) return null;
    return (await this.ledger.findTaken(orderRef, tx)).map((line) => ({
      product_id: line.product_id,
      restored: line.returned as number,
      stock_before: (line.returned_stock_after as number) - (line.returned as number),
      stock_after: line.returned_stock_after as number,
      already_rolled_back: false,
    }));
  }

  private async giveBack(
    orderRef: string,
    wanted: GivingBack[],
    taken: Taken[],
    tx: Tx,
  ): Promise<RestoredView[]> {
    const lines = new Map(taken.map((line) => [line.product_id, line]));
    const ours = wanted.filter(({ product_id }) => lines.has(product_id));
    const locked = await this.products.lockForSale(idsOf(ours), tx);
    const stock = new Map(locked.map((product) => [product.id, product.stock]));
    const due = ours.filter(({ product_id }) => lines.get(product_id)?.returned === null);
    assertHasPlace(due, lines, stock);
    const returned = await this.ledger.giveBackOf(orderRef, due, ROLLED_BACK, tx);
    const restored = new Map(returned.map(({ product_id, delta }) => [product_id, delta]));
    return ours.map(({ product_id }) => {
      const stock_before = stock.get(product_id) as number;
      const now = restored.get(product_id) ?? 0;
      return {
        product_id,
        restored: now,
        stock_before,
        stock_after: stock_before + now,
        already_rolled_back: now === 0,
      };
    });
  }

  /** Totals over what there is to sell. */
  async summary(): Promise<SummaryView> {
    const { stock_value_minor, ...totals } = await this.repository.sumUp();
    return { ...totals, stock_value: this.money.majorOf(Number(stock_value_minor)) };
  }

  /**
   * Products at or below their threshold: by id, so that a page never skips one whose stock moves meanwhile; or those with the
   * least stock first.
   */
  async listLow(query: LowStockQuery): Promise<LowStockPageView> {
    const { order, kinds, placeOf } = LOW_CURSORS[query.sort];
    const after = decodeCursor(order, kinds, query.cursor);
    const found = await this.repository.listLow(query.sort, after, query.limit + 1);
    const { rows, next_cursor } = pageOf(
      found,
      query,
      (product) => product,
      (product) => encodeCursor(order, placeOf(product)),
    );
    const total = query.count ? { total: await this.repository.countLow() } : {};
    return { products: rows, next_cursor, ...total };
  }

  /** First in the lock order after the claim. @throws OrderOfTheShop. @returns the hold that goes by this order id. */
  private async lockOrder(orderRef: string, tx: Tx): Promise<HoldOfOrder | null> {
    await this.ledger.lockOrder(orderRef, tx);
    const hold = await this.repository.findHold(orderRef, tx);
    if (hold?.of_shop) throw new OrderOfTheShop(orderRef);
    return hold;
  }
}

interface LowCursor {
  order: string;
  kinds: KeysetKind[];
  placeOf(product: LowProduct): Keyset;
}
const LOW_CURSORS: Record<LowSort, LowCursor> = {
  id: { order: 'low_stock', kinds: ['number'], placeOf: ({ product_id }) => [product_id] },
  stock: {
    order: 'lowest_stock',
    kinds: ['number', 'number'],
    placeOf: ({ stock, product_id }) => [stock, product_id],
  },
};

function idsOf(goods: { product_id: number }[]): number[] {
  return goods.map(({ product_id }) => product_id);
}

function stepDown(taking: { product_id: number; quantity: number; stock_after: number }): StockStepView {
  const { product_id, quantity, stock_after } = taking;
  return { product_id, stock_before: stock_after + quantity, stock_after };
}

const allOf = (taken: Taken[]): GivingBack[] =>
  taken.map(({ product_id }) => ({ product_id, quantity: null }));

/** Each product once: with the sum of its quantities, or whole when it is named without one. */
function wantedOf(items: { product_id: number; quantity?: number }[]): GivingBack[] {
  const quantities = new Map<number, number | null>();
  for (const { product_id, quantity } of items) {
    const before = quantities.get(product_id) ?? (quantities.has(product_id) ? null : 0);
    const whole = before === null || quantity === undefined || quantity === null;
    quantities.set(product_id, whole ? null : Math.min(before + quantity, STOCK_MAX));
  }
  return [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
}

/** @throws ValidationFailed when a count has become so high meanwhile that it cannot hold what comes back. */
function assertHasPlace(
  due: GivingBack[],
  taken: ReadonlyMap<number, Taken>,
  stock: ReadonlyMap<number, number>,
): void {
  for (const { product_id, quantity } of due) {
    const most = taken.get(product_id)?.quantity ?? 0;
    const after = (stock.get(product_id) as number) + Math.min(most, quantity ?? most);
    if (after > STOCK_MAX)
      throw ValidationFailed.of('items', `the stock of product ${product_id} would go beyond ${STOCK_MAX}`);
  }
}
