export const POINTS_KINDS = ['earned', 'redeemed', 'returned', 'taken_back'] as const;
export type PointsKind = (typeof POINTS_KINDS)[number];

/** A row of the ledger. `delta` is signed: negative when the balance went down. */
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
