import type { ReservationEnd, ReservationStatus } from '../../src/inventory/inventory.types.js';
import {
  outcomeOfEnding,
  RESERVATION_ENDS,
  RESERVATION_TRANSITIONS,
} from '../../src/inventory/reservation-states.js';

const ENDS: ReservationEnd[] = ['fulfilled', 'cancelled', 'expired'];
const STATUSES: ReservationStatus[] = ['active', ...ENDS];

describe('the state table of holds', () => {
  it('knows every status, and none besides', () => {
    expect(Object.keys(RESERVATION_TRANSITIONS)).toEqual(STATUSES);
    expect(Object.keys(RESERVATION_ENDS)).toEqual(ENDS);
  });

  it.each([
    ['active', 'active', false],
    ['active', 'fulfilled', true],
    ['active', 'cancelled', true],
    ['active', 'expired', true],
    ['fulfilled', 'active', false],
    ['fulfilled', 'fulfilled', false],
    ['fulfilled', 'cancelled', false],
    ['fulfilled', 'expired', false],
    ['cancelled', 'active', false],
    ['cancelled', 'fulfilled', false],
    ['cancelled', 'cancelled', false],
    ['cancelled', 'expired', false],
    ['expired', 'active', false],
    ['expired', 'fulfilled', false],
    ['expired', 'cancelled', false],
    ['expired', 'expired', false],
  ] as [ReservationStatus, ReservationStatus, boolean][])('%s → %s: %s', (from, to, allowed) => {
    expect(RESERVATION_TRANSITIONS[from].includes(to)).toBe(allowed);
  });

  it('gives goods back, and says so, unless they are sold', () => {
    expect(RESERVATION_ENDS).toEqual({
      fulfilled: { givesBack: false, event: null },
      cancelled: { givesBack: true, event: 'reservation.released' },
      expired: { givesBack: true, event: 'reservation.expired' },
    });
  });
});

describe('the wish for an end', () => {
  const cases = STATUSES.flatMap((status) =>
    [false, true].flatMap((overdue) => ENDS.map((wish) => ({ status, overdue, wish }))),
  );

  it.each(cases)('$wish for one that is $status (overdue: $overdue)', ({ status, overdue, wish }) => {
    const outcome = outcomeOfEnding({ status, overdue }, wish);
    if (status === wish) expect(outcome).toBe('has ended so');
    else if (status !== 'active') expect(outcome).toBe('has ended otherwise');
    else if (overdue && wish !== 'expired') expect(outcome).toBe('has run out');
    else expect(outcome).toBe('ends');
  });
});
