/** A discount code as admins see it. */
export interface Discount {
  id: number;
  code: string;
  kind: 'percentage' | 'fixed';
  /** Percent, or an amount in major units. */
  value: number;
  min_items_price: number;
  starts_at: string | null;
  ends_at: string | null;
  usage_limit: number | null;
  per_user_limit: number | null;
  times_used: number;
  active: boolean;
}
