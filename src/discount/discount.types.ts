export const DISCOUNT_KINDS = ['percentage', 'fixed'] as const;
export type DiscountKind = (typeof DISCOUNT_KINDS)[number];

export const DISCOUNT_SORTS = ['newest', 'code'] as const;
export type DiscountSort = (typeof DISCOUNT_SORTS)[number];

/** A discount that is about to be made. Amounts in minor units. */
export interface NewDiscount {
  code: string;
  kind: DiscountKind;
  /** Of a percentage, in hundredths of a percent; null when the discount is fixed. */
  basis_points: number | null;
  /** Of a fixed discount; null when it is a percentage. */
  amount_minor: number | null;
  /** The items must cost at least this much. */
  min_items_price_minor: number;
  /** From when on it may be used, included, and until when, not included. Null: without such a bound. */
  starts_at: Date | null;
  ends_at: Date | null;
  /** How often it may be used in all, and by each user. Null: without a bound. */
  usage_limit: number | null;
  per_user_limit: number | null;
  active: boolean;
}

/** A row of `discounts`. */
export interface Discount extends NewDiscount {
  id: number;
  /** Uses that were returned do not count. */
  times_used: number;
  created_at: Date;
  updated_at: Date;
}

/** An order that uses a discount. */
export interface DiscountUse {
  order_id: string;
  discount_id: number;
  user_id: number;
  discount_price_minor: number;
}

/** Discounts whose rows are locked until the transaction ends. */
export interface LockedDiscounts {
  byCode: ReadonlyMap<string, Discount>;
  /** How often whom has used what, as `userOfDiscount`s. Only of discounts with a limit for each user. */
  usedByUser: ReadonlyMap<string, number>;
}

export const userOfDiscount = (discountId: number, userId: number) => `${discountId} ${userId}`;

/** Why a code cannot be used. */
export const DISCOUNT_FAULTS = [
  'unknown',
  'inactive',
  'not_started',
  'ended',
  'min_items_price',
  'used_up',
  'used_up_by_you',
] as const;
export type DiscountFault = (typeof DISCOUNT_FAULTS)[number];

/** What somebody wants to use a discount for. */
export interface DiscountPurchase {
  items_price_minor: number;
  /** How often the user has used it already. */
  used_by_user: number;
  now: Date;
}

/** Why the discount cannot be used for this purchase, or null when it can. Pure. */
export function faultOf(discount: Discount, purchase: DiscountPurchase): DiscountFault | null {
  const { active, starts_at, ends_at, min_items_price_minor, usage_limit, per_user_limit, times_used } =
    discount;
  if (!active) return 'inactive';
  if (starts_at !== null && purchase.now < starts_at) return 'not_started';
  if (ends_at !== null && purchase.now >= ends_at) return 'ended';
  if (purchase.items_price_minor < min_items_price_minor) return 'min_items_price';
  if (usage_limit !== null && times_used >= usage_limit) return 'used_up';
  if (per_user_limit !== null && purchase.used_by_user >= per_user_limit) return 'used_up_by_you';
  return null;
}

const WHOLE = 10_000n;

/**
 * What the discount takes off items of this price, in minor units: a percentage rounded half up, a fixed amount at most the
 * price. Pure and exact, also where a price times a percentage is more than a double can hold.
 */
export function discountPriceOf(
  { basis_points, amount_minor }: Pick<Discount, 'basis_points' | 'amount_minor'>,
  itemsPriceMinor: number,
): number {
  if (amount_minor !== null) return Math.min(amount_minor, itemsPriceMinor);
  return Number((BigInt(itemsPriceMinor) * BigInt(basis_points ?? 0) + WHOLE / 2n) / WHOLE);
}
