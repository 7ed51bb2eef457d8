import { Injectable } from '@nestjs/common';
import { inOneFlight } from '../platform/database/flight.js';
import type { Tx } from '../platform/database/tx.js';
import { DiscountRepository } from './discount.repository.js';
import { type Discount, type DiscountUse, type LockedDiscounts, userOfDiscount } from './discount.types.js';

const NONE: LockedDiscounts = { byCode: new Map(), usedByUser: new Map() };

/**
 * What orders do with discounts: each order uses one at most, a use is counted in the order's own transaction, and comes
 * back once. `times_used` and the uses of each user are counted under the lock of the discount's row.
 */
@Injectable()
export class DiscountUses {
  constructor(private readonly repository: DiscountRepository) {}

  /**
   * Locks the discounts of these codes, and those that these orders have used, by ascending id until `tx` ends; after the
   * products. A code that there is no discount for is missing from the answer. Nothing named costs no statement.
   */
  async lock(codes: string[], userIds: number[], orderIds: string[], tx: Tx): Promise<LockedDiscounts> {
    if (codes.length === 0 && orderIds.length === 0) return NONE;
    const [locked, uses] = await inOneFlight([
      this.repository.lockForUse(codes, orderIds, tx),
      this.countUses(codes, userIds, tx),
    ]);
    return { byCode: byCode(locked), usedByUser: uses };
  }

  /** `lock` without waiting. @returns also the codes that somebody else has in hand. */
  async lockFree(
    codes: string[],
    userIds: number[],
    tx: Tx,
  ): Promise<LockedDiscounts & { busy: Set<string> }> {
    if (codes.length === 0) return { ...NONE, busy: new Set() };
    const [locked, usedByUser, existing] = await inOneFlight([
      this.repository.lockFree(codes, tx),
      this.countUses(codes, userIds, tx),
      this.repository.existing(codes, tx),
    ]);
    const free = byCode(locked);
    return { byCode: free, usedByUser, busy: new Set(existing.filter((code) => !free.has(code))) };
  }

  /**
   * Counts these uses. The discounts must be locked in `tx`, and have room for them: their CHECK undoes `tx` otherwise.
   * Not idempotent; an order that has used a discount before undoes `tx` as well.
   */
  async use(uses: DiscountUse[], tx: Tx): Promise<void> {
    if (uses.length > 0) await this.repository.insertUses(uses, tx);
  }

  /** Gives back the use of an order, once, however often it is called. The order must be locked in `tx`. */
  async giveBack(orderId: string, tx: Tx): Promise<void> {
    await this.repository.returnUse(orderId, tx);
  }

  /**
   * Takes the use of an order again that was given back. Only the limits count: the order was placed when the code was
   * good, and it keeps its price. The order must be locked in `tx`. Idempotent: a use that is there is not taken twice.
   * @returns false when there is no room for it any more; then nothing was changed.
   */
  async takeAgain(orderId: string, tx: Tx): Promise<boolean> {
    await this.repository.lockForUse([], [orderId], tx);
    const use = await this.repository.findUse(orderId, tx);
    if (use?.returned && !use.has_room) return false;
    await this.repository.takeUseAgain(orderId, tx);
    return true;
  }

  private async countUses(codes: string[], userIds: number[], tx: Tx): Promise<Map<string, number>> {
    if (codes.length === 0) return new Map();
    const counts = await this.repository.countUses(codes, userIds, tx);
    return new Map(
      counts.map(({ discount_id, user_id, uses }) => [userOfDiscount(discount_id, user_id), uses]),
    );
  }
}

function byCode(locked: (Discount & { deleted: boolean })[]): Map<string, Discount> {
  return new Map(locked.filter(({ deleted }) => !deleted).map((discount) => [discount.code, discount]));
}
