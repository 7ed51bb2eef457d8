import { GIVES_BACK, RESERVATION_TRANSITIONS } from '../../src/inventory/reservation-states.js';
import { ORDER_STATUSES, RESERVATION_STATUSES } from '../../src/order/order.dto.js';
import { OrderNotCancellable, OrderNotPayable, OrderNotShippable } from '../../src/order/order.errors.js';
import type { OrderStatus } from '../../src/order/order.types.js';
import { assertMayBecome, mayBecome, ORDER_TRANSITIONS } from '../../src/order/order-states.js';
import type { AttemptStatus } from '../../src/payment/payment.types.js';
import {
  ATTEMPT_TRANSITIONS,
  attemptKey,
  isLive,
  mayAttemptBecome,
} from '../../src/payment/payment-states.js';

/** Every pair of the names, as a step. */
const pairsOf = <Name extends string>(names: readonly Name[]): [Name, Name][] =>
  names.flatMap((from) => names.map((to): [Name, Name] => [from, to]));

const steps = (...legal: string[]) => new Set(legal);

describe('an order', () => {
  const LEGAL = steps(
    'pending → paid',
    'pending → failed',
    'pending → expired',
    'pending → cancelled',
    'paid → shipped',
    'paid → cancelled',
    'shipped → delivered',
    'expired → paid',
  );
  const REFUSALS: Partial<Record<OrderStatus, [new (status: OrderStatus) => Error, string]>> = {
    paid: [OrderNotPayable, 'order_not_payable'],
    cancelled: [OrderNotCancellable, 'order_not_cancellable'],
    shipped: [OrderNotShippable, 'order_not_shippable'],
  };

  it('has a row in the table for every status', () => {
    expect(Object.keys(ORDER_TRANSITIONS).sort()).toEqual([...ORDER_STATUSES].sort());
  });

  it.each(pairsOf(ORDER_STATUSES).filter(([from, to]) => LEGAL.has(`${from} → ${to}`)))(
    'that is %s may become %s',
    (from, to) => {
      expect(mayBecome(from, to)).toBe(true);
      expect(() => assertMayBecome(from, to)).not.toThrow();
    },
  );

  it.each(pairsOf(ORDER_STATUSES).filter(([from, to]) => !LEGAL.has(`${from} → ${to}`)))(
    'that is %s may not become %s',
    (from, to) => {
      expect(mayBecome(from, to)).toBe(false);
      const [Refusal, code] = REFUSALS[to] ?? [];
      if (!Refusal) {
        expect(() => assertMayBecome(from, to)).toThrow(`an order that is ${from} cannot become ${to}`);
        return;
      }
      expect(() => assertMayBecome(from, to)).toThrow(Refusal);
      expect(new Refusal(from)).toMatchObject({ code, kind: 'conflict' });
      expect(new Refusal(from).message).toContain(`an order that is ${from} cannot be`);
    },
  );
});

describe('an attempt to pay', () => {
  const STATUSES: AttemptStatus[] = ['pending', 'unknown', 'succeeded', 'failed'];
  const LEGAL = steps(
    'pending → pending',
    'pending → unknown',
    'pending → succeeded',
    'pending → failed',
    'unknown → pending',
    'unknown → unknown',
    'unknown → succeeded',
    'unknown → failed',
  );

  it('has a row in the table for every status', () => {
    expect(Object.keys(ATTEMPT_TRANSITIONS).sort()).toEqual([...STATUSES].sort());
  });

  it.each(pairsOf(STATUSES))('that is %s goes to %s only as the table says', (from, to) => {
    expect(mayAttemptBecome(from, to)).toBe(LEGAL.has(`${from} → ${to}`));
  });

  it('is live exactly as long as it may still go somewhere', () => {
    for (const status of STATUSES) expect(isLive(status)).toBe(ATTEMPT_TRANSITIONS[status].length > 0);
  });

  it('has a key that only its order and its number make, within what the provider takes', () => {
    const id = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
    expect(attemptKey(id, 1)).toBe(`order-${id}-payment`);
    expect(attemptKey(id, 2)).toBe(`order-${id}-payment-2`);
    expect(attemptKey(id, 100_000).length).toBeLessThanOrEqual(64);
  });
});

describe('a hold', () => {
  const LEGAL = steps('active → fulfilled', 'active → cancelled', 'active → expired');

  it('has a row in the table for every status', () => {
    expect(Object.keys(RESERVATION_TRANSITIONS).sort()).toEqual([...RESERVATION_STATUSES].sort());
  });

  it.each(pairsOf(RESERVATION_STATUSES))('that is %s goes to %s only as the table says', (from, to) => {
    expect(RESERVATION_TRANSITIONS[from].includes(to)).toBe(LEGAL.has(`${from} → ${to}`));
  });

  it('gives its goods back when it ends without a sale, and only then', () => {
    expect(GIVES_BACK).toEqual({ active: false, fulfilled: false, cancelled: true, expired: true });
  });
});
