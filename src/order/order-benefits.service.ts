import { Injectable } from '@nestjs/common';
import { DiscountUses } from '../discount/discount-uses.service.js';
import { inOneFlight } from '../platform/database/flight.js';
import type { Tx } from '../platform/database/tx.js';
import { PointsService } from '../points/points.service.js';
import type { OrderRow, PlacementRequest } from './order.types.js';
import type { LockedBenefits, Writes } from './placement/decide.js';

/**
 * What an order gets off its price, the use of a discount and points, and the points that it earns: taken when it is placed,
 * given back when it comes to nothing, credited when it is paid. Everything happens once, however often it is asked for.
 */
@Injectable()
export class OrderBenefits {
  constructor(
    private readonly discounts: DiscountUses,
    private readonly points: PointsService,
  ) {}

  /**
   * Locks what these requests want to use, together with what these orders have used, until `tx` ends: discounts by id, then
   * points accounts by user; after the products. When nobody wants or has anything, it costs no statement.
   */
  async lock(requests: PlacementRequest[], orderIds: string[], tx: Tx): Promise<LockedBenefits> {
    const { codes, codeUsers, redeemers } = wantedBy(requests);
    const [{ byCode, usedByUser }, balances] = await inOneFlight([
      this.discounts.lock(codes, codeUsers, orderIds, tx),
      this.points.lock(redeemers, orderIds, tx),
    ]);
    return { discounts: byCode, usedByUser, balances };
  }

  /** `lock` without waiting. @returns also the requests that want something which somebody else has in hand. */
  async lockFree(
    requests: PlacementRequest[],
    tx: Tx,
  ): Promise<LockedBenefits & { mustWait: PlacementRequest[] }> {
    const { codes, codeUsers, redeemers } = wantedBy(requests);
    const [discounts, points] = await inOneFlight([
      this.discounts.lockFree(codes, codeUsers, tx),
      this.points.lockFree(redeemers, tx),
    ]);
    const mustWait = requests.filter(
      ({ discount_code, redeem_points, user_id }) =>
        (discount_code !== null && discounts.busy.has(discount_code)) ||
        (redeem_points > 0 && points.busy.has(user_id)),
    );
    return {
      discounts: discounts.byCode,
      usedByUser: discounts.usedByUser,
      balances: points.balances,
      mustWait,
    };
  }

  /** Takes what was decided for new orders. It must be locked in `tx`, and the orders be there. */
  async take({ uses, redemptions }: Pick<Writes, 'uses' | 'redemptions'>, tx: Tx): Promise<void> {
    await inOneFlight([this.discounts.use(uses, tx), this.points.redeem(redemptions, tx)]);
  }

  /**
   * A locked order ends: the use of its discount and the points that it redeemed come back, and what it has earned goes, if
   * it was paid. Idempotent. Call it after the products are locked.
   */
  async giveBack(order: OrderRow, tx: Tx): Promise<void> {
    if (order.discount_code !== null) await this.discounts.giveBack(order.id, tx);
    if (order.redeemed_points > 0) await this.points.giveBack(order.id, tx);
    if (order.status !== 'pending') await this.takeBackEarned(order, tx);
  }

  /**
   * Late money revives a locked order: it takes the use of its discount and its points again. Idempotent: what was not given
   * back is not taken twice. Call it after the products are locked.
   * @returns false when one of them cannot be had any more; then nothing is taken.
   */
  async takeAgain(order: OrderRow, tx: Tx): Promise<boolean> {
    if (order.discount_code !== null && !(await this.discounts.takeAgain(order.id, tx))) return false;
    if (order.redeemed_points === 0 || (await this.points.takeAgain(order.id, tx))) return true;
    if (order.discount_code !== null) await this.discounts.giveBack(order.id, tx);
    return false;
  }

  /** A locked order is paid: its customer earns points, once. */
  async earn({ id, user_id, total_price_minor }: OrderRow, tx: Tx): Promise<void> {
    await this.points.earn({ order_id: id, user_id, total_price_minor }, tx);
  }

  /** The money of a locked order is back with the customer: what it has earned goes, once, and is owed where it is spent. */
  async takeBackEarned({ id }: OrderRow, tx: Tx): Promise<void> {
    await this.points.takeBackEarned(id, tx);
  }
}

function wantedBy(requests: PlacementRequest[]): {
  codes: string[];
  codeUsers: number[];
  redeemers: number[];
} {
  const withCode = requests.filter(({ discount_code }) => discount_code !== null);
  const withPoints = requests.filter(({ redeem_points }) => redeem_points > 0);
  return {
    codes: [...new Set(withCode.flatMap(({ discount_code }) => discount_code ?? []))],
    codeUsers: usersOf(withCode),
    redeemers: usersOf(withPoints),
  };
}

const usersOf = (requests: PlacementRequest[]): number[] => [
  ...new Set(requests.map(({ user_id }) => user_id)),
];
