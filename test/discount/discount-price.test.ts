import fc from 'fast-check';
import { type Discount, discountPriceOf, faultOf } from '../../src/discount/discount.types.js';

const percentage = (basis_points: number) => ({ basis_points, amount_minor: null });
const fixed = (amount_minor: number) => ({ basis_points: null, amount_minor });
const prices = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const basisPoints = fc.integer({ min: 1, max: 10_000 });

describe('what a discount takes off', () => {
  it.each([
    [1_000, 1_005, 101],
    [1_000, 1_004, 100],
    [1_000, 1_015, 102],
    [1_500, 129_999, 19_500],
    [1_250, 1_004, 126],
    [1, 4_999, 0],
    [1, 5_000, 1],
    [10_000, 129_999, 129_999],
    [3_333, Number.MAX_SAFE_INTEGER, 3_002_099_511_605_172],
  ])('%i hundredths of a percent of %i are %i: half up to the minor unit', (basis_points, price, off) => {
    expect(discountPriceOf(percentage(basis_points), price)).toBe(off);
  });

  it('is a fixed amount, and never more than the items cost', () => {
    expect(discountPriceOf(fixed(500), 1_299)).toBe(500);
    expect(discountPriceOf(fixed(500), 500)).toBe(500);
    expect(discountPriceOf(fixed(500), 499)).toBe(499);
  });

  it('is within half a minor unit of the exact share, and never below 0 or above the price', () => {
    fc.assert(
      fc.property(prices, basisPoints, (price, basis_points) => {
        const off = discountPriceOf(percentage(basis_points), price);
        // Both sides times 20000, so that the halves are integers, too.
        const error = BigInt(off) * 20_000n - BigInt(price) * BigInt(basis_points) * 2n;
        expect(error > -10_000n && error <= 10_000n).toBe(true);
        expect(off).toBeGreaterThanOrEqual(0);
        expect(off).toBeLessThanOrEqual(price);
      }),
    );
  });

  it('does not shrink when the items cost more', () => {
    fc.assert(
      fc.property(prices, prices, basisPoints, (one, other, basis_points) => {
        const [less, more] = [Math.min(one, other), Math.max(one, other)];
        expect(discountPriceOf(percentage(basis_points), less)).toBeLessThanOrEqual(
          discountPriceOf(percentage(basis_points), more),
        );
      }),
    );
  });
});

describe('whether a discount can be used', () => {
  const now = new Date('2026-11-21T09:00:00Z');
  const before = new Date('2026-11-21T08:59:59Z');
  const after = new Date('2026-11-21T09:00:01Z');
  const discount: Discount = {
    id: 1,
    code: 'AUTUMN15',
    kind: 'percentage',
    basis_points: 1_500,
    amount_minor: null,
    min_items_price_minor: 0,
    starts_at: null,
    ends_at: null,
    usage_limit: null,
    per_user_limit: null,
    times_used: 7,
    active: true,
    created_at: before,
    updated_at: before,
  };
  const purchase = { items_price_minor: 1_000, used_by_user: 3, now };

  it.each<[string, Partial<Discount>, string | null]>([
    ['without any bound', {}, null],
    ['switched off', { active: false }, 'inactive'],
    ['beginning later', { starts_at: after }, 'not_started'],
    ['beginning now', { starts_at: now }, null],
    ['over', { ends_at: before }, 'ended'],
    ['ending now', { ends_at: now }, 'ended'],
    ['ending later', { ends_at: after }, null],
    ['for dearer items', { min_items_price_minor: 1_001 }, 'min_items_price'],
    ['for items of just this price', { min_items_price_minor: 1_000 }, null],
    ['used as often as it may be', { usage_limit: 7 }, 'used_up'],
    ['with one use left', { usage_limit: 8 }, null],
    ['used as often by this user as it may be', { per_user_limit: 3 }, 'used_up_by_you'],
    ['with one use left for this user', { per_user_limit: 4 }, null],
    ['over and used up', { ends_at: before, usage_limit: 7, per_user_limit: 3 }, 'ended'],
  ])('%s', (_, members, fault) => {
    expect(faultOf({ ...discount, ...members }, purchase)).toBe(fault);
  });
});
