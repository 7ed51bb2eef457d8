import { ORDER_STATUSES } from '../../src/order/order.dto.js';
import {
  OrderNotCancellable,
  OrderNotDeliverable,
  OrderNotPayable,
  OrderNotShippable,
  OrderNotWaiting,
} from '../../src/order/order.errors.js';
import type { OrderStatus } from '../../src/order/order.types.js';
import { assertMayBecome, mayBecome, ORDER_TRANSITIONS } from '../../src/order/order-states.js';
import type { AttemptStatus } from '../../src/payment/payment.types.js';
import {
  ATTEMPT_TRANSITIONS,
  attemptKey,
  isLive,
  mayAttemptBecome,
  mayRefundBecome,
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
  const REFUSALS: Record<OrderStatus, [new (status: OrderStatus) => Error, string]> = {
    pending: [OrderNotWaiting, 'order_not_pending'],
    paid: [OrderNotPayable, 'order_not_payable'],
    shipped: [OrderNotShippable, 'order_not_shippable'],
    delivered: [OrderNotDeliverable, 'order_not_deliverable'],
    failed: [OrderNotWaiting, 'order_not_pending'],
    expired: [OrderNotWaiting, 'order_not_pending'],
    cancelled: [OrderNotCancellable, 'order_not_cancellable'],
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
      const [Refusal, code] = REFUSALS[to];
      expect(() => assertMayBecome(from, to)).toThrow(Refusal);
      expect(new Refusal(from)).toMatchObject({ code, kind: 'conflict' });
      expect(new Refusal(from).message).toContain(`an order that is ${from} `);
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
    // Money that has arrived is not dropped for a word that was too hasty.
    'failed → succeeded',
  );

  it('has a row in the table for every status', () => {
    expect(Object.keys(ATTEMPT_TRANSITIONS).sort()).toEqual([...STATUSES].sort());
  });

  it.each(pairsOf(STATUSES))('that is %s goes to %s only as the table says', (from, to) => {
    expect(mayAttemptBecome(from, to)).toBe(LEGAL.has(`${from} → ${to}`));
  });

  it('is live exactly as long as it may still be declined', () => {
    for (const status of STATUSES)
      expect(isLive(status)).toBe(ATTEMPT_TRANSITIONS[status].includes('failed'));
  });

  it.each(pairsOf(STATUSES))(
    'as a refund goes from %s to %s: once made, it may only be given up',
    (from, to) => {
      const legal =
        to === 'failed' && from === 'succeeded' ? true : isLive(from) && mayAttemptBecome(from, to);
      expect(mayRefundBecome(from, to)).toBe(legal);
    },
  );

  it('has a key that only its order and its number make, within what the provider takes', () => {
    const id = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
    expect(attemptKey(id, 1)).toBe(`order-${id}-payment`);
    expect(attemptKey(id, 2)).toBe(`order-${id}-payment-2`);
    expect(attemptKey(id, 100_000).length).toBeLessThanOrEqual(64);
  });
});
