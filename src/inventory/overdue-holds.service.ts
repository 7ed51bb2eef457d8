import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { isConnectionFault, isRetryable } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { Overloaded } from '../platform/errors.js';
import { ProductService } from '../product/product.service.js';
import { InsufficientStock } from './inventory.errors.js';
import type { Goods, LockNext, OrderEnder, OverdueHold, SecondLook, WhenLocked } from './inventory.types.js';
import { OverdueHoldsRepository, type Place } from './overdue-holds.repository.js';
import { ReservationService } from './reservation.service.js';

/** Ends the overdue holds that are in the way, in the caller's transaction: after its claim, before its products. */
export type MakeRoom = (tx: Tx) => Promise<void>;

/** So many holds may be ended to serve one request. */
const HOLDS_MAX = 1_000;
const SWEEP_BATCH = 100;
/** Somebody waits for the answers. */
const SETTLED_AT_ONCE = 8;
const SETTLE_LIMIT_MS = 3_000;
/** Few, so that requests find connections beside it. */
const ENDED_AT_ONCE = 4;
const START: Place = { expires_at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/**
 * Holds whose time has passed while their goods are still held. The database's clock decides that they have ended, so they
 * never are the cause of a refusal: who needs the goods ends them, in the transaction that takes the goods. The sweep is
 * housekeeping. Only orders whose payment is under way are spared: what may still be paid is settled first.
 */
@Injectable()
export class OverdueHolds {
  private readonly logger = new Logger(OverdueHolds.name);
  private orders: OrderEnder = {
    lockOverdue: async () => [],
    lockNext: async () => undefined,
    expire: async () => undefined,
    settle: async () => undefined,
  };

  private readonly lockNext: LockNext = (orderIds, tx) => this.orders.lockNext(orderIds, tx);

  constructor(
    private readonly repository: OverdueHoldsRepository,
    private readonly reservations: ReservationService,
    private readonly products: ProductService,
    private readonly database: DatabaseService,
  ) {}

  /** Names who ends the shop's own orders. */
  register(orders: OrderEnder): void {
    this.orders = orders;
  }

  /**
   * Does `work`, which opens its own transaction. When it is refused for short stock of which overdue holds keep some, it is
   * done again and ends them first; and also when enough has come free since. `work` calls what it is given once it has its
   * claim and the rows of its own order, and before it locks `productIds`: all products that it will lock. What is had at once
   * costs no statement more.
   * @throws whatever `work` throws; InsufficientStock then counts overdue goods as free. Overloaded when others were faster all
   * the time.
   */
  async withRoom<T>(productIds: number[], work: (makeRoom: MakeRoom) => Promise<T>): Promise<T> {
    let short: Goods[] = [];
    let settled = false;
    for (const rounds = new Rounds(); ; ) {
      let overtaken = false;
      try {
        return await work(async (tx) => {
          overtaken = await this.makeRoom(short, productIds, this.lockNext, tx);
        });
      } catch (error) {
        if (!(error instanceof InsufficientStock)) throw error;
        short = shortOf(error);
        const { worthRetrying, awaited } = await this.lookAgain(short);
        const isNothingLeft = worthRetrying.length === 0;
        if (isNothingLeft && (!awaited || settled)) throw error;
        if (!rounds.next(overtaken)) throw overtaken ? goodsAreBusy() : error;
        if (isNothingLeft) await this.settle(short);
        settled ||= isNothingLeft;
      }
    }
  }

  /** For which goods that were refused it is worth trying again. */
  async lookAgain(refused: Goods[]): Promise<SecondLook> {
    return this.repository.lookAgain(refused);
  }

  /**
   * Has the provider asked about overdue orders that keep these goods while their payment is under way: those that are not
   * paid end. Waits for a bounded time, and never inside a transaction.
   */
  async settle(wanted: Goods[]): Promise<void> {
    const orderIds = await this.repository.findAwaited(idsOf(wanted), SETTLED_AT_ONCE);
    const late = pause(SETTLE_LIMIT_MS, undefined, { ref: false });
    await Promise.race([this.orders.settle(orderIds), late]);
  }

  /**
   * Ends overdue holds until there is room for what is wanted, or none is left, and locks all their products together with
   * `productIds`, then by `lockNext` what comes after them. One that cannot be ended stays and does not stop the others.
   * Nothing wanted: does nothing. @returns whether somebody else was faster with one of the holds, so that there may be less room
   * than there could be.
   */
  async makeRoom(wanted: Goods[], productIds: number[], lockNext: LockNext, tx: Tx): Promise<boolean> {
    if (wanted.length === 0) return false;
    // One after the other: all of them would wait for the same oldest hold, and but one get its goods.
    await this.repository.lockRoom(wanted, tx);
    const found = await this.repository.findKeeping(wanted, HOLDS_MAX, tx);
    return (await this.endAll(found, productIds, lockNext, tx)) < found.length;
  }

  /**
   * Ends all overdue holds that keep one of these products, which are then locked: before they are counted.
   * @throws Overloaded when they are too many for one request: the sweep is at them.
   */
  async endBeforeCount(productIds: number[], tx: Tx): Promise<void> {
    const all = productIds.map((product_id) => ({ product_id, quantity: Number.MAX_SAFE_INTEGER }));
    if ((await this.repository.findKeeping(all, 1, tx)).length === 0) return;
    await this.repository.lockRoom(all, tx);
    const found = await this.repository.findKeeping(all, HOLDS_MAX + 1, tx);
    if (found.length > HOLDS_MAX) throw goodsAreBusy();
    await this.endAll(found, productIds, this.lockNext, tx);
  }

  /** @returns how many of them were still there to be ended. */
  private async endAll(
    found: OverdueHold[],
    productIds: number[],
    lockNext: LockNext,
    tx: Tx,
  ): Promise<number> {
    // Whoever is at one of them is waited for: it is in the way until they have ended it.
    const locked = await this.lock(found, 'wait', tx);
    const theirs = await this.repository.findProducts(
      locked.map(({ order_ref }) => order_ref),
      tx,
    );
    await this.products.lockForSale([...new Set([...theirs, ...productIds])], tx);
    await lockNext(
      locked.flatMap(({ order_id }) => order_id ?? []),
      tx,
    );
    for (const hold of locked) await this.endOrLeave(hold, tx);
    return locked.length;
  }

  /**
   * Ends all holds that are overdue, each in its own transaction: one that cannot be ended does not stop those behind it.
   * Idempotent. Instances share the work. A stop leaves the rest to the next sweep. @returns how many were ended here.
   */
  async sweep(stopping?: AbortSignal): Promise<number> {
    let ended = 0;
    let after = START;
    for (;;) {
      const { holds, last } = await this.repository.page(after, SWEEP_BATCH);
      for (let at = 0; at < holds.length; at += ENDED_AT_ONCE) {
        if (stopping?.aborted) return ended;
        const ends = holds.slice(at, at + ENDED_AT_ONCE).map((hold) => this.sweepOne(hold));
        ended += (await Promise.all(ends)).filter(Boolean).length;
      }
      if (last === null || holds.length < SWEEP_BATCH) return ended;
      after = last;
    }
  }

  /** Ends this hold in a transaction of its own, if it is overdue and nobody is at it. @returns whether it has. */
  async endOne(hold: OverdueHold): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const locked = await this.lock([hold], 'skip', tx);
      for (const hold of locked) await this.end(hold, tx);
      return locked.length > 0;
    });
  }

  private async sweepOne(hold: OverdueHold): Promise<boolean> {
    try {
      return await this.endOne(hold);
    } catch (error) {
      this.complain(hold, error);
      return false;
    }
  }

  // Orders before the holds of others, each by ascending id: two who make room at once do not lock each other out.
  private async lock(holds: OverdueHold[], whenLocked: WhenLocked, tx: Tx): Promise<OverdueHold[]> {
    const orderIds = holds.flatMap(({ order_id }) => order_id ?? []);
    const otherIds = holds.filter(({ order_id }) => order_id === null).map(({ id }) => id);
    const orders = orderIds.length > 0 ? await this.orders.lockOverdue(orderIds, whenLocked, tx) : [];
    const others = otherIds.length > 0 ? await this.repository.lock(otherIds, whenLocked, tx) : [];
    const ours = new Set([...orders, ...others]);
    return holds.filter(({ id, order_id }) => ours.has(order_id ?? id));
  }

  private async endOrLeave(hold: OverdueHold, tx: Tx): Promise<void> {
    try {
      await this.database.part(() => this.end(hold, tx), tx);
    } catch (error) {
      if (isRetryable(error) || isConnectionFault(error)) throw error;
      this.complain(hold, error);
    }
  }

  private async end({ order_ref, order_id }: OverdueHold, tx: Tx): Promise<void> {
    if (order_id !== null) return this.orders.expire(order_id, tx);
    await this.reservations.end(order_ref, 'expired', 'not confirmed in time', tx);
  }

  private complain({ id, order_ref }: OverdueHold, error: unknown): void {
    this.logger.error(
      { reservation_id: id, order_id: order_ref },
      `an overdue hold cannot be ended: ${(error as Error).message}`,
    );
  }
}

/** How often somebody may have taken what has just come free, while more of it was overdue by then. */
const IDLE_MAX = 3;
/** How often others may have been faster with the holds: a round in which they were is no reason to give up, but many are. */
const OVERTAKEN_MAX = 20;

/** Counts how often somebody has tried to make room, so that nobody does for ever. */
export class Rounds {
  private idle = 0;
  private overtaken = 0;

  /** @returns whether there is another round after one in which others were faster, or were not. */
  next(overtaken: boolean): boolean {
    if (overtaken) this.overtaken += 1;
    else this.idle += 1;
    return this.idle <= IDLE_MAX && this.overtaken <= OVERTAKEN_MAX;
  }
}

/** They are there, or come free, and cannot be had at once: that is not short stock. */
export const goodsAreBusy = () => new Overloaded('the goods are just coming free; try again');

/** What is wanted of each product of which there was too little. */
export function shortOf(refusal: InsufficientStock): Goods[] {
  return refusal.members.items.map(({ product_id, requested }) => ({ product_id, quantity: requested }));
}

function idsOf(goods: Goods[]): number[] {
  return goods.map(({ product_id }) => product_id);
}
