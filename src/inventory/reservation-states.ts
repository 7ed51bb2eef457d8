import type { ReservationStatus } from './inventory.types.js';

/** Every way that a hold may go. Its ends are final. */
export const RESERVATION_TRANSITIONS: Record<ReservationStatus, readonly ReservationStatus[]> = {
  active: ['fulfilled', 'cancelled', 'expired'],
  fulfilled: [],
  cancelled: [],
  expired: [],
};

/** Whether an end gives the goods back to what can be sold. */
export const GIVES_BACK: Record<ReservationStatus, boolean> = {
  active: false,
  fulfilled: false,
  cancelled: true,
  expired: true,
};
