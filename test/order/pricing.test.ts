import fc from 'fast-check';
import type { Discount } from '../../src/discount/discount.types.js';
import { type PricingTerms, priceOf } from '../../src/order/placement/pricing.js';

const TERMS: PricingTerms = {
  point_value_minor: 1,
  shipping_flat_price_minor: 0,
  shipping_free_from_minor: null,
};
const discountOf = (terms: Partial<Discount>): Discount =>
  ({ basis_points: null, amount_minor: null, ...terms }) as Discount;
const percentage = (basis_points: number) => discountOf({ basis_points });
const fixed = (amount_minor: number) => discountOf({ amount_minor });

describe('a price', () => {
  it('is what the items cost when there is nothing else', () => {
    expect(priceOf(12_999, null, 0, TERMS)).toEqual({
      items_price_minor: 12_999,
      discount_price_minor: 0,
      shipping_price_minor: 0,
      redeemed_points: 0,
      points_discount_price_minor: 0,
      total_price_minor: 12_999,
    });
  });

  it('is the items, less the discount, with shipping, less the points', () => {
    const terms = { point_value_minor: 2, shipping_flat_price_minor: 499, shipping_free_from_minor: null };
    expect(priceOf(10_000, percentage(1_500), 1_000, terms)).toEqual({
      items_price_minor: 10_000,
      discount_price_minor: 1_500,
      shipping_price_minor: 499,
      redeemed_points: 1_000,
      points_discount_price_minor: 2_000,
      total_price_minor: 6_999,
    });
  });

  it('is never below 0: a fixed discount takes off the items only, and points the rest', () => {
    const terms = { ...TERMS, shipping_flat_price_minor: 300 };
    expect(priceOf(1_000, fixed(5_000), 0, terms)).toMatchObject({
      discount_price_minor: 1_000,
      total_price_minor: 300,
    });
    expect(priceOf(1_000, fixed(5_000), 5_000, terms)).toMatchObject({
      redeemed_points: 300,
      total_price_minor: 0,
    });
  });

  it('leaves to be paid what is less than one point is worth', () => {
    const terms = { ...TERMS, point_value_minor: 30 };
    expect(priceOf(100, null, 10, terms)).toMatchObject({
      redeemed_points: 3,
      points_discount_price_minor: 90,
      total_price_minor: 10,
    });
  });

  it.each([
    ['below', 5_000, 499],
    ['at', 5_001, 0],
    ['above', 6_000, 0],
  ])(
    'has shipping by what the items cost with the discount: %s the price from which it is free',
    (_, items, shipping) => {
      const terms = { ...TERMS, shipping_flat_price_minor: 499, shipping_free_from_minor: 4_501 };
      expect(priceOf(items, percentage(1_000), 0, terms).shipping_price_minor).toBe(shipping);
    },
  );

  it('has free shipping from a price of 0 on, when that is set', () => {
    const terms = { ...TERMS, shipping_flat_price_minor: 499, shipping_free_from_minor: 0 };
    expect(priceOf(100, fixed(100), 0, terms).total_price_minor).toBe(0);
  });
});

describe('any price', () => {
  const amounts = fc.integer({ min: 1, max: 9e15 });
  const discounts = fc.option(
    fc.oneof(
      fc.integer({ min: 1, max: 10_000 }).map(percentage),
      fc.integer({ min: 1, max: 1e11 }).map(fixed),
    ),
  );
  const points = fc.oneof(
    fc.constant(0),
    fc.nat(10_000),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  );
  const terms = fc.record({
    point_value_minor: fc.integer({ min: 1, max: 1_000 }),
    shipping_flat_price_minor: fc.nat(1e6),
    shipping_free_from_minor: fc.option(fc.integer({ min: 0, max: 9e15 })),
  });
  const asked = fc.tuple(amounts, discounts, points, terms);

  it('is the sum of its parts, all of them whole and none below 0', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const price = priceOf(...all);
        for (const part of Object.values(price)) {
          expect(Number.isSafeInteger(part)).toBe(true);
          expect(part).toBeGreaterThanOrEqual(0);
        }
        const parts =
          BigInt(price.items_price_minor) -
          BigInt(price.discount_price_minor) +
          BigInt(price.shipping_price_minor) -
          BigInt(price.points_discount_price_minor);
        expect(BigInt(price.total_price_minor)).toBe(parts);
      }),
    );
  });

  it('takes no more points than are offered, each for all of its value, and as many as there is room for', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const [, , offered, { point_value_minor }] = all;
        const { redeemed_points, points_discount_price_minor, total_price_minor } = priceOf(...all);
        expect(redeemed_points).toBeLessThanOrEqual(offered);
        expect(points_discount_price_minor).toBe(redeemed_points * point_value_minor);
        if (redeemed_points < offered) expect(total_price_minor).toBeLessThan(point_value_minor);
      }),
    );
  });

  it('takes no more off than the items cost', () => {
    fc.assert(
      fc.property(asked, (all) => {
        const { discount_price_minor, items_price_minor } = priceOf(...all);
        expect(discount_price_minor).toBeLessThanOrEqual(items_price_minor);
      }),
    );
  });

  it('never rises with more points', () => {
    fc.assert(
      fc.property(amounts, discounts, points, fc.nat(1_000), terms, (items, discount, some, more, set) => {
        const offered = Math.min(some + more, Number.MAX_SAFE_INTEGER);
        expect(priceOf(items, discount, offered, set).total_price_minor).toBeLessThanOrEqual(
          priceOf(items, discount, some, set).total_price_minor,
        );
      }),
    );
  });
});
