/** A line of the ledger. */
export interface Movement {
  id: number;
  product_id: number;
  type: string;
  /** Negative when the stock went down. */
  delta: number;
  stock_after: number;
  order_id: string | null;
  reason: string | null;
  notes: string | null;
  created_at: string;
}
