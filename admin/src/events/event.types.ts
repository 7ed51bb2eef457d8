/** As the service tells them (src/event/event.types.ts). */
export const EVENT_TYPES = [
  'order.placed',
  'order.paid',
  'order.failed',
  'order.expired',
  'order.cancelled',
  'order.shipped',
  'order.delivered',
  'order.refunded',
  'payment.succeeded',
  'payment.failed',
  'payment.refunded',
  'stock.changed',
  'stock.low',
  'reservation.released',
  'reservation.expired',
  'reservation.extended',
] as const;

export interface Event {
  id: string;
  type: string;
  data: Record<string, unknown>;
  created_at: string;
}

export const EVENT_CHOICES = EVENT_TYPES.map((type) => ({ id: type, name: type }));
