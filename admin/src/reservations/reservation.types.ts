export const RESERVATION_STATUSES = ['active', 'fulfilled', 'cancelled', 'expired'] as const;

export interface Reservation {
  id: string;
  order_id: string;
  status: (typeof RESERVATION_STATUSES)[number];
  payment_method: string | null;
  items: { product_id: number; quantity: number }[];
  ttl_seconds: number;
  expires_at: string;
  reason: string | null;
  created_at: string;
  ended_at: string | null;
}

export function unitsOf({ items }: Reservation): string {
  const units = items.reduce((sum, { quantity }) => sum + quantity, 0);
  return `${units.toLocaleString()} ${units === 1 ? 'unit' : 'units'}`;
}
