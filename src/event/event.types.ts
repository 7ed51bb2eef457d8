/** Everything that the shop tells about itself. */
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

export type EventType = (typeof EVENT_TYPES)[number];

/** Something that has happened, told in the transaction in which it happened. */
export interface NewEvent {
  type: EventType;
  data: Record<string, unknown>;
}

/** An event as it was written. Its id is a UUIDv7: later events of one process sort after earlier ones. */
export interface StoredEvent extends NewEvent {
  readonly id: string;
  readonly created_at: Date;
}
