import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { inOneFlight } from '../platform/database/flight.js';
import type { Tx } from '../platform/database/tx.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeCursor, encodeCursor, type PageQuery, pageOf } from '../platform/http/page.js';
import { Money } from '../platform/money.js';
import { type Account, PointsRepository } from './points.repository.js';
import type { Earning, Redemption } from './points.types.js';
import { type PointsView, pointsEntryView } from './points.view.js';

const NEWEST_FIRST = 'newest';
const MILLION = 1_000_000;

/** What customers have earned by paying and pay with: an account each, and a ledger that adds up to how it stands. */
@Injectable()
export class PointsService {
  /** Points for a major unit, in millionths: what an order earns is reckoned in integers. */
  private readonly perUnitMillionths: bigint;
  private readonly minorPerUnit: bigint;

  constructor(
    private readonly repository: PointsRepository,
    money: Money,
    config: Config,
  ) {
    this.perUnitMillionths = BigInt(Math.round(config.env.POINTS_PER_UNIT * MILLION));
    this.minorPerUnit = 10n ** BigInt(money.digits);
  }

  /** What the caller has or owes, and the entries that make it, newest first. A guest has none. */
  async ofCaller(caller: Caller, query: PageQuery): Promise<PointsView> {
    const [before] = decodeCursor(NEWEST_FIRST, ['number'], query.cursor) ?? [null];
    const [standing, found] = await Promise.all([
      this.repository.findStanding(caller.id),
      this.repository.list(caller.id, before as number | null, query.limit + 1),
    ]);
    const { rows, next_cursor } = pageOf(found, query, pointsEntryView, ({ id }) =>
      encodeCursor(NEWEST_FIRST, [id]),
    );
    const total = query.count ? { total: await this.repository.count(caller.id) } : {};
    return { ...standing, entries: rows, next_cursor, ...total };
  }

  /**
   * Locks the accounts of these users, and those that these orders have redeemed from or earned for, by ascending user id
   * until `tx` ends; after the discounts. @returns the balances; who has no account is missing, and has no points. Nobody
   * named costs no statement.
   */
  async lock(userIds: number[], orderIds: string[], tx: Tx): Promise<Map<number, number>> {
    if (userIds.length === 0 && orderIds.length === 0) return new Map();
    return balancesOf(await this.repository.lock(userIds, orderIds, tx));
  }

  /** `lock` without waiting. @returns also the users whose accounts somebody else has in hand. */
  async lockFree(userIds: number[], tx: Tx): Promise<{ balances: Map<number, number>; busy: Set<number> }> {
    if (userIds.length === 0) return { balances: new Map(), busy: new Set() };
    const [locked, existing] = await inOneFlight([
      this.repository.lockFree(userIds, tx),
      this.repository.existing(userIds, tx),
    ]);
    const balances = balancesOf(locked);
    return { balances, busy: new Set(existing.filter((userId) => !balances.has(userId))) };
  }

  /**
   * Takes the points that these orders redeem. The accounts must be locked in `tx`, and hold as much: the CHECK on the
   * balance undoes `tx` otherwise. Not idempotent; an order that has redeemed before undoes `tx` as well.
   */
  async redeem(redemptions: Redemption[], tx: Tx): Promise<void> {
    if (redemptions.length > 0) await this.repository.redeem(redemptions, tx);
  }

  /**
   * Gives back what an order has redeemed, once, however often it is called; what its user owes is settled with it first. The
   * order must be locked in `tx`.
   */
  async giveBack(orderId: string, tx: Tx): Promise<void> {
    await this.repository.giveBack(orderId, tx);
  }

  /**
   * Redeems again what was given back to an order. The order must be locked in `tx`. Idempotent: what is redeemed and not
   * given back stays as it is. @returns false when the balance is too low; then nothing was changed.
   */
  async takeAgain(orderId: string, tx: Tx): Promise<boolean> {
    await this.repository.lock([], [orderId], tx);
    const redeemed = await this.repository.findRedeemed(orderId, tx);
    if (!redeemed?.returned) return true;
    if (redeemed.balance < redeemed.points) return false;
    await this.repository.redeemAgain(orderId, tx);
    return true;
  }

  /**
   * Credits what a paid order earns, once, however often it is called; what its user owes is settled with it first. A guest
   * earns nothing.
   */
  async earn({ order_id, user_id, total_price_minor }: Earning, tx: Tx): Promise<void> {
    const points = this.earnedBy(total_price_minor);
    if (points > 0) await this.repository.earn(user_id, order_id, points, tx);
  }

  /**
   * Takes back what an order has earned, once, however often it is called; what of it is spent is owed. The order must be
   * locked in `tx`.
   */
  async takeBackEarned(orderId: string, tx: Tx): Promise<void> {
    await this.repository.lock([], [orderId], tx);
    await this.repository.takeBackEarned(orderId, tx);
  }

  /** How many points a paid total earns: whole ones only. Exact. */
  earnedBy(totalPriceMinor: number): number {
    const millionths = BigInt(totalPriceMinor) * this.perUnitMillionths;
    return Number(millionths / (this.minorPerUnit * BigInt(MILLION)));
  }
}

function balancesOf(accounts: Account[]): Map<number, number> {
  return new Map(accounts.map(({ user_id, balance }) => [user_id, balance]));
}
