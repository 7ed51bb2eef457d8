/** Goods that an order takes out of what can be sold. */
export interface Taking {
  order_ref: string;
  product_id: number;
  quantity: number;
  stock_after: number;
}

/** A hold on what its order has taken, for a limited time. */
export interface NewReservation {
  id: string;
  order_ref: string;
  /** The shop's own order, or null when another system holds. */
  order_id: string | null;
  payment_method: string;
  ttl_seconds: number;
}

export interface Reservation {
  id: string;
  status: ReservationStatus;
  expires_at: Date;
}

export type ReservationStatus = 'active' | 'fulfilled' | 'cancelled' | 'expired';
/** How a hold can end. */
export type ReservationEnd = Exclude<ReservationStatus, 'active'>;
