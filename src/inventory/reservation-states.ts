import type { EventType } from '../event/event.types.js';
import type { ReservationEnd, ReservationStatus } from './inventory.types.js';

/** Every way that a hold may go. Its ends are final. */
export const RESERVATION_TRANSITIONS: Record<ReservationStatus, readonly ReservationStatus[]> = {
  active: ['fulfilled', 'cancelled', 'expired'],
  fulfilled: [],
  cancelled: [],
  expired: [],
};

/** What each end means: whether the goods can be sold again, and what is told of it. */
export const RESERVATION_ENDS: Record<ReservationEnd, { givesBack: boolean; event: EventType | null }> = {
  fulfilled: { givesBack: false, event: null },
  cancelled: { givesBack: true, event: 'reservation.released' },
  expired: { givesBack: true, event: 'reservation.expired' },
};

/**
 * What the wish for an end comes to. A hold past its time has expired, whether or not anybody has noted it yet; an end that
 * is there already is no conflict and changes nothing.
 */
export function outcomeOfEnding(
  { status, overdue }: { status: ReservationStatus; overdue: boolean },
  wish: ReservationEnd,
): 'ends' | 'has ended so' | 'has ended otherwise' | 'has run out' {
  if (status === wish) return 'has ended so';
  if (!RESERVATION_TRANSITIONS[status].includes(wish)) return 'has ended otherwise';
  return overdue && wish !== 'expired' ? 'has run out' : 'ends';
}
