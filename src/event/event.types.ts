export type EventType =
  | 'order.placed'
  | 'order.paid'
  | 'order.failed'
  | 'order.expired'
  | 'order.cancelled'
  | 'payment.succeeded'
  | 'payment.failed'
  | 'stock.changed'
  | 'stock.low'
  | 'reservation.released'
  | 'reservation.expired'
  | 'reservation.extended';

/** Something that has happened, told in the transaction in which it happened. */
export interface NewEvent {
  type: EventType;
  data: Record<string, unknown>;
}
