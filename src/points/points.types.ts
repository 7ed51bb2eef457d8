export const POINTS_KINDS = ['earned', 'redeemed', 'returned', 'taken_back'] as const;
export type PointsKind = (typeof POINTS_KINDS)[number];

/** How a user stands with their points: the ledger adds up to `balance - owed`, and one of the two is 0. */
export interface Standing {
  /** What can be spent. */
  balance: number;
  /** Earned with orders that came to nothing, and spent before: settled by what comes in, before anything can be spent. */
  owed: number;
}

/** A row of the ledger. `delta` is signed: negative when points went. */
export interface PointsEntry {
  id: number;
  delta: number;
  kind: PointsKind;
  order_id: string;
  reason: string | null;
  created_at: Date;
}

/** Points with which an order is paid, in whole or in part. */
export interface Redemption {
  order_id: string;
  user_id: number;
  points: number;
}

/** An order that has been paid. */
export interface Earning {
  order_id: string;
  user_id: number;
  total_price_minor: number;
}
