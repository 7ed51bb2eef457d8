import fc from 'fast-check';
import { type Discount, userOfDiscount } from '../../src/discount/discount.types.js';
import type { PlacementRequest } from '../../src/order/order.types.js';
import {
  cartRoundKey,
  type Decision,
  decide,
  type Locked,
  type LockedBenefits,
} from '../../src/order/placement/decide.js';
import type { PricingTerms } from '../../src/order/placement/pricing.js';
import type { LockedProduct } from '../../src/product/product.types.js';

const product = (id: number, over: Partial<LockedProduct> = {}): LockedProduct => ({
  id,
  sku: `SKU-${id}`,
  name: `Product ${id}`,
  price_minor: 100 * id,
  stock: 10,
  sellable: true,
  has_variants: false,
  ...over,
});

const NOW = new Date('2026-11-21T09:00:00Z');
const TERMS: PricingTerms = {
  point_value_minor: 1,
  shipping_flat_price_minor: 0,
  shipping_free_from_minor: null,
};

const discount = (id: number, over: Partial<Discount> = {}): Discount => ({
  id,
  code: `CODE${id}`,
  kind: 'percentage',
  basis_points: 1_000,
  amount_minor: null,
  min_items_price_minor: 0,
  starts_at: null,
  ends_at: null,
  usage_limit: null,
  per_user_limit: null,
  times_used: 0,
  active: true,
  created_at: NOW,
  updated_at: NOW,
  ...over,
});

const benefitsOf = (
  discounts: Discount[],
  balances: [number, number][] = [],
  usedByUser: [string, number][] = [],
): LockedBenefits => ({
  discounts: new Map(discounts.map((each) => [each.code, each])),
  usedByUser: new Map(usedByUser),
  balances: new Map(balances),
});

const lockedOf = (
  products: LockedProduct[],
  boughtRounds: string[] = [],
  benefits: LockedBenefits = benefitsOf([]),
  terms: PricingTerms = TERMS,
): Locked => ({
  products: new Map(products.map((each) => [each.id, each])),
  boughtRounds: new Set(boughtRounds),
  benefits,
  terms,
  now: NOW,
});

let made = 0;
const request = (lines: [number, number][], over: Partial<PlacementRequest> = {}): PlacementRequest => ({
  order_id: `order-${++made}`,
  user_id: 1,
  lines: lines.map(([product_id, quantity]) => ({ product_id, quantity })),
  payment_method: 'credit_card',
  discount_code: null,
  redeem_points: 0,
  expected_total_minor: null,
  shipping_address: null,
  note: null,
  hold_seconds: 60,
  claim: null,
  checkout: null,
  whenFree: null,
  ...over,
});

const ofCart = (cart_id: string, cart_round: number): Partial<PlacementRequest> => ({
  checkout: {
    cart_id,
    cart_round,
    busy_ms: 1,
    payment_status: 'unpaid',
    companion: { accompany: async () => {} },
    context: null,
  },
});

const refusal = (decision: Decision | undefined) =>
  decision && 'refused' in decision ? decision.refused : null;

describe('decide', () => {
  it('places an order with the prices that are locked', () => {
    const { decisions, writes } = decide(lockedOf([product(1), product(2)]), [
      request([
        [1, 2],
        [2, 3],
      ]),
    ]);
    expect(decisions[0]).toMatchObject({ placed: { items_price_minor: 800, total_price_minor: 800 } });
    expect(writes.takings).toMatchObject([
      { product_id: 1, quantity: 2, stock_after: 8 },
      { product_id: 2, quantity: 3, stock_after: 7 },
    ]);
  });

  it('names every line that is short, and takes nothing for any', () => {
    const locked = lockedOf([product(1, { stock: 1 }), product(2, { stock: 0 }), product(3)]);
    const { decisions, writes } = decide(locked, [
      request([
        [1, 2],
        [2, 1],
        [3, 1],
      ]),
    ]);
    expect(refusal(decisions[0])).toEqual({
      because: 'insufficient_stock',
      items: [
        { product_id: 1, requested: 2, available: 1 },
        { product_id: 2, requested: 1, available: 0 },
      ],
    });
    expect(writes).toEqual({ orders: [], takings: [], uses: [], redemptions: [] });
  });

  it('serves whoever comes first, and leaves what a refused one wanted to the next', () => {
    const locked = lockedOf([product(1, { stock: 3 })]);
    const { decisions } = decide(locked, [request([[1, 2]]), request([[1, 2]]), request([[1, 1]])]);
    expect(decisions.map((decision) => 'placed' in decision)).toEqual([true, false, true]);
    expect(refusal(decisions[1])).toMatchObject({ items: [{ available: 1 }] });
  });

  it('refuses an unknown product, one that is not sold, and one that is sold through its variants', () => {
    const locked = lockedOf([product(1, { sellable: false }), product(2, { has_variants: true })]);
    const { decisions } = decide(locked, [request([[9, 1]]), request([[1, 1]]), request([[2, 1]])]);
    expect(refusal(decisions[0])).toEqual({ because: 'product_not_found', product_id: 9 });
    expect(refusal(decisions[1])).toEqual({
      because: 'product_unavailable',
      products: [{ id: 1, name: 'Product 1' }],
    });
    expect(refusal(decisions[2])).toMatchObject({ because: 'product_unavailable' });
  });

  it('tells both totals when the price is not what was expected', () => {
    const { decisions } = decide(lockedOf([product(1)]), [
      request([[1, 1]], { expected_total_minor: 99 }),
      request([[1, 1]], { expected_total_minor: 100 }),
    ]);
    expect(refusal(decisions[0])).toEqual({
      because: 'price_changed',
      expected_minor: 99,
      actual_minor: 100,
    });
    expect(decisions[1]).toHaveProperty('placed');
  });

  it('refuses a total that integers could not hold', () => {
    const locked = lockedOf([product(1, { price_minor: 100_000_000_000, stock: 100_000 })]);
    expect(refusal(decide(locked, [request([[1, 100_000]])]).decisions[0])).toEqual({
      because: 'total_too_large',
    });
  });

  it('buys one round of a cart once, whether the other is in this batch or in the table', () => {
    const locked = lockedOf([product(1)], [cartRoundKey('a', 0)]);
    const { decisions } = decide(locked, [
      request([[1, 1]], ofCart('a', 0)),
      request([[1, 1]], ofCart('a', 1)),
      request([[1, 1]], ofCart('a', 1)),
    ]);
    expect(decisions.map((decision) => refusal(decision)?.because ?? 'placed')).toEqual([
      'checkout_in_progress',
      'placed',
      'checkout_in_progress',
    ]);
  });

  describe('with discounts', () => {
    const one = (code: string, over: Partial<PlacementRequest> = {}) =>
      request([[1, 1]], { discount_code: code, ...over });
    const because = (decision: Decision) => {
      const refused = refusal(decision);
      return refused?.because === 'discount_invalid' ? refused.fault : (refused?.because ?? 'placed');
    };

    it('takes off what the code says, and counts its use', () => {
      const benefits = benefitsOf([
        discount(7),
        discount(8, { kind: 'fixed', basis_points: null, amount_minor: 500 }),
      ]);
      const requests = [one('CODE7', { user_id: 5 }), one('CODE8')];
      const { decisions, writes } = decide(lockedOf([product(1)], [], benefits), requests);
      expect(decisions[0]).toMatchObject({ placed: { discount_price_minor: 10, total_price_minor: 90 } });
      // Never more than the items cost.
      expect(decisions[1]).toMatchObject({ placed: { discount_price_minor: 100, total_price_minor: 0 } });
      expect(writes.uses).toEqual([
        { order_id: requests[0]?.order_id, discount_id: 7, user_id: 5, discount_price_minor: 10 },
        { order_id: requests[1]?.order_id, discount_id: 8, user_id: 1, discount_price_minor: 100 },
      ]);
    });

    it('gives the last use to whoever comes first', () => {
      const benefits = benefitsOf([discount(7, { usage_limit: 3, times_used: 2 })]);
      const { decisions, writes } = decide(lockedOf([product(1)], [], benefits), [
        one('CODE7', { user_id: 1 }),
        one('CODE7', { user_id: 2 }),
        request([[1, 1]]),
      ]);
      expect(decisions.map(because)).toEqual(['placed', 'used_up', 'placed']);
      expect(writes.uses).toHaveLength(1);
    });

    it('leaves the last use to the next when the first is refused for something else', () => {
      const benefits = benefitsOf([discount(7, { usage_limit: 1 })]);
      const { decisions } = decide(lockedOf([product(1)], [], benefits), [
        one('CODE7', { expected_total_minor: 1 }),
        one('CODE7', { redeem_points: 1 }),
        one('CODE7'),
      ]);
      expect(decisions.map(because)).toEqual(['price_changed', 'points_insufficient', 'placed']);
    });

    it('counts the uses of each user, those of before and those in the batch', () => {
      const used: [string, number][] = [[userOfDiscount(7, 1), 1]];
      const benefits = benefitsOf([discount(7, { per_user_limit: 2 })], [], used);
      const { decisions } = decide(lockedOf([product(1)], [], benefits), [
        one('CODE7', { user_id: 1 }),
        one('CODE7', { user_id: 1 }),
        one('CODE7', { user_id: 2 }),
        one('CODE7', { user_id: 2 }),
        one('CODE7', { user_id: 2 }),
      ]);
      expect(decisions.map(because)).toEqual([
        'placed',
        'used_up_by_you',
        'placed',
        'placed',
        'used_up_by_you',
      ]);
    });

    it('goes by the time of the transaction, and by what the items cost', () => {
      const benefits = benefitsOf([
        discount(7, { ends_at: NOW }),
        discount(8, { min_items_price_minor: 101 }),
      ]);
      const { decisions } = decide(lockedOf([product(1)], [], benefits), [
        one('CODE7'),
        one('CODE8'),
        one('CODE9'),
      ]);
      expect(decisions.map(because)).toEqual(['ended', 'min_items_price', 'unknown']);
      expect(refusal(decisions[1])).toMatchObject({ code: 'CODE8', min_items_price_minor: 101 });
    });

    it('refuses for short stock first: that may come back', () => {
      const locked = lockedOf([product(1, { stock: 0 })], [], benefitsOf([discount(7, { active: false })]));
      expect(decide(locked, [one('CODE7')]).decisions.map(because)).toEqual(['insufficient_stock']);
    });
  });

  describe('with points', () => {
    const redeeming = (points: number, over: Partial<PlacementRequest> = {}) =>
      request([[1, 1]], { redeem_points: points, ...over });

    it('takes as many as the price has room for, and no more', () => {
      const requests = [redeeming(30), redeeming(500)];
      const locked = lockedOf([product(1)], [], benefitsOf([], [[1, 1_000]]));
      const { decisions, writes } = decide(locked, requests);
      expect(decisions[0]).toMatchObject({ placed: { redeemed_points: 30, total_price_minor: 70 } });
      expect(decisions[1]).toMatchObject({ placed: { redeemed_points: 100, total_price_minor: 0 } });
      expect(writes.redemptions).toEqual([
        { order_id: requests[0]?.order_id, user_id: 1, points: 30 },
        { order_id: requests[1]?.order_id, user_id: 1, points: 100 },
      ]);
    });

    it('refuses more than there are, also when the price would need fewer, and takes nothing', () => {
      const locked = lockedOf([product(1)], [], benefitsOf([], [[1, 150]]));
      const { decisions, writes } = decide(locked, [redeeming(151), redeeming(1, { user_id: 2 })]);
      expect(refusal(decisions[0])).toEqual({ because: 'points_insufficient', requested: 151, balance: 150 });
      expect(refusal(decisions[1])).toEqual({ because: 'points_insufficient', requested: 1, balance: 0 });
      expect(writes.redemptions).toEqual([]);
    });

    it('spends a balance once: the second order finds what the first has left', () => {
      const locked = lockedOf([product(1)], [], benefitsOf([], [[1, 100]]));
      const { decisions } = decide(locked, [redeeming(100), redeeming(100), redeeming(0)]);
      expect(decisions.map((decision) => refusal(decision)?.because ?? 'placed')).toEqual([
        'placed',
        'points_insufficient',
        'placed',
      ]);
    });
  });

  it('compares the expected total with what is left to pay in the end', () => {
    const benefits = benefitsOf([discount(7)], [[1, 100]]);
    const terms = { ...TERMS, shipping_flat_price_minor: 25 };
    const wish = { discount_code: 'CODE7', redeem_points: 15 };
    const { decisions } = decide(lockedOf([product(1)], [], benefits, terms), [
      request([[1, 1]], { ...wish, expected_total_minor: 115 }),
      request([[1, 1]], { ...wish, expected_total_minor: 100 }),
    ]);
    expect(refusal(decisions[0])).toEqual({
      because: 'price_changed',
      expected_minor: 115,
      actual_minor: 100,
    });
    expect(decisions[1]).toMatchObject({
      placed: {
        items_price_minor: 100,
        discount_price_minor: 10,
        shipping_price_minor: 25,
        redeemed_points: 15,
        points_discount_price_minor: 15,
        total_price_minor: 100,
      },
    });
  });

  describe('whatever is asked', () => {
    const ids = [1, 2, 3, 4];
    const stocks = fc.record({ 1: fc.nat(20), 2: fc.nat(20), 3: fc.nat(20), 4: fc.nat(20) });
    const lines = fc
      .uniqueArray(
        fc.record({ id: fc.integer({ min: 1, max: 5 }), quantity: fc.integer({ min: 1, max: 8 }) }),
        {
          selector: ({ id }) => id,
          minLength: 1,
          maxLength: 4,
        },
      )
      .map((wanted) => request(wanted.map(({ id, quantity }) => [id, quantity])));
    const asked = fc.tuple(stocks, fc.array(lines, { maxLength: 30 }));
    const locked = (stock: Record<number, number>) =>
      lockedOf(ids.map((id) => product(id, { stock: stock[id] })));

    it('never takes more than there is, and counts down without a gap', () => {
      fc.assert(
        fc.property(asked, ([stock, requests]) => {
          const left: Record<number, number> = { ...stock };
          for (const { product_id, quantity, stock_after } of decide(locked(stock), requests).writes
            .takings) {
            left[product_id] = (left[product_id] as number) - quantity;
            expect(stock_after).toBe(left[product_id]);
            expect(stock_after).toBeGreaterThanOrEqual(0);
          }
        }),
      );
    });

    it('gives an order all its lines or none, and writes exactly what it decides', () => {
      fc.assert(
        fc.property(asked, ([stock, requests]) => {
          const { decisions, writes } = decide(locked(stock), requests);
          expect(decisions).toHaveLength(requests.length);
          const placed = requests.filter((_, index) => 'placed' in (decisions[index] as Decision));
          expect(writes.orders.map((draft) => draft.request)).toEqual(placed);
          const wanted = placed.flatMap(({ order_id, lines }) =>
            lines.map((line) => ({ order_id, ...line })),
          );
          expect(writes.takings.map(({ stock_after, ...taking }) => taking)).toEqual(wanted);
        }),
      );
    });

    it('refuses only what cannot be had after those who came before', () => {
      fc.assert(
        fc.property(asked, ([stock, requests]) => {
          const left: Record<number, number> = { ...stock };
          const { decisions } = decide(locked(stock), requests);
          requests.forEach(({ lines }, index) => {
            const fits = lines.every(({ product_id, quantity }) => (left[product_id] ?? -1) >= quantity);
            expect('placed' in (decisions[index] as Decision)).toBe(fits);
            if (fits)
              for (const { product_id, quantity } of lines)
                left[product_id] = (left[product_id] as number) - quantity;
          });
        }),
      );
    });

    it('decides for a batch as it would one by one', () => {
      fc.assert(
        fc.property(asked, ([stock, requests]) => {
          const together = decide(locked(stock), requests).decisions;
          const left: Record<number, number> = { ...stock };
          const apart = requests.map((each) => {
            const { decisions, writes } = decide(locked(left), [each]);
            for (const { product_id, stock_after } of writes.takings) left[product_id] = stock_after;
            return decisions[0];
          });
          expect(together).toEqual(apart);
        }),
      );
    });

    it('changes nothing that it was given', () => {
      fc.assert(
        fc.property(asked, ([stock, requests]) => {
          const given = locked(stock);
          const before = structuredClone(given);
          decide(given, requests);
          expect(given).toEqual(before);
        }),
      );
    });
  });

  describe('whatever codes and points are asked for', () => {
    const limit = fc.option(fc.integer({ min: 1, max: 6 }));
    const discounts = fc
      .tuple(
        fc.record({ usage_limit: limit, per_user_limit: limit, active: fc.boolean() }),
        fc.record({
          usage_limit: limit,
          per_user_limit: limit,
          min_items_price_minor: fc.nat(400),
        }),
      )
      .map(([first, second]) => [
        discount(1, first),
        discount(2, { ...second, kind: 'fixed', basis_points: null, amount_minor: 150 }),
      ]);
    const balances = fc.array(fc.nat(400), { minLength: 3, maxLength: 3 });
    const wishes = fc.array(
      fc.record({
        user_id: fc.integer({ min: 1, max: 4 }),
        discount_code: fc.option(fc.constantFrom('CODE1', 'CODE2', 'CODE3')),
        redeem_points: fc.oneof(fc.constant(0), fc.nat(300)),
        quantity: fc.integer({ min: 1, max: 4 }),
      }),
      { maxLength: 30 },
    );
    const terms = fc.record({
      point_value_minor: fc.integer({ min: 1, max: 7 }),
      shipping_flat_price_minor: fc.nat(80),
      shipping_free_from_minor: fc.option(fc.nat(400)),
    });
    const asked = fc.record({ discounts, balances, terms, wishes });
    type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

    const given = ({ discounts, balances, terms }: Asked) =>
      lockedOf(
        [product(1, { stock: 60 })],
        [],
        benefitsOf(
          discounts,
          balances.map((balance, index): [number, number] => [index + 1, balance]),
        ),
        terms,
      );
    const requestsOf = ({ wishes }: Asked) =>
      wishes.map(({ quantity, ...wish }) => request([[1, quantity]], wish));

    it('never uses a code more often than it may be, in all or by a user', () => {
      fc.assert(
        fc.property(asked, (all) => {
          const { uses } = decide(given(all), requestsOf(all)).writes;
          for (const { id, usage_limit, per_user_limit, active } of all.discounts) {
            const ofThis = uses.filter(({ discount_id }) => discount_id === id);
            expect(ofThis.length).toBeLessThanOrEqual(active ? (usage_limit ?? 30) : 0);
            for (const user of [1, 2, 3, 4]) {
              const byUser = ofThis.filter(({ user_id }) => user_id === user);
              expect(byUser.length).toBeLessThanOrEqual(per_user_limit ?? 30);
            }
          }
        }),
      );
    });

    it('never spends more points than a user has', () => {
      fc.assert(
        fc.property(asked, (all) => {
          const left = [0, ...all.balances, 0];
          for (const { user_id, points } of decide(given(all), requestsOf(all)).writes.redemptions) {
            expect(points).toBeGreaterThan(0);
            left[user_id] = (left[user_id] as number) - points;
            expect(left[user_id]).toBeGreaterThanOrEqual(0);
          }
        }),
      );
    });

    it('writes exactly what stands in the orders that are placed', () => {
      fc.assert(
        fc.property(asked, (all) => {
          const { decisions, writes } = decide(given(all), requestsOf(all));
          const placed = decisions.flatMap((decision) => ('placed' in decision ? [decision.placed] : []));
          expect(writes.orders).toEqual(placed);
          expect(
            writes.uses.map(({ order_id, discount_price_minor }) => [order_id, discount_price_minor]),
          ).toEqual(
            placed
              .filter(({ request }) => request.discount_code !== null)
              .map(({ request, discount_price_minor }) => [request.order_id, discount_price_minor]),
          );
          expect(writes.redemptions).toEqual(
            placed
              .filter(({ redeemed_points }) => redeemed_points > 0)
              .map(({ request, redeemed_points }) => ({
                order_id: request.order_id,
                user_id: request.user_id,
                points: redeemed_points,
              })),
          );
        }),
      );
    });

    it('decides for a batch as it would one by one', () => {
      fc.assert(
        fc.property(asked, (all) => {
          const requests = requestsOf(all);
          const together = decide(given(all), requests).decisions;
          let now = given(all);
          const apart = requests.map((each) => {
            const { decisions, writes } = decide(now, [each]);
            now = after(now, writes);
            return decisions[0];
          });
          expect(together).toEqual(apart);
        }),
      );
    });

    /** What the next transaction would lock. */
    function after(
      before: Locked,
      { takings, uses, redemptions }: ReturnType<typeof decide>['writes'],
    ): Locked {
      const products = new Map(before.products);
      for (const { product_id, stock_after } of takings)
        products.set(product_id, product(product_id, { stock: stock_after }));
      const discounts = new Map(before.benefits.discounts);
      const usedByUser = new Map(before.benefits.usedByUser);
      for (const { discount_id, user_id } of uses) {
        const code = `CODE${discount_id}`;
        const used = discounts.get(code) as Discount;
        discounts.set(code, { ...used, times_used: used.times_used + 1 });
        const user = userOfDiscount(discount_id, user_id);
        usedByUser.set(user, (usedByUser.get(user) ?? 0) + 1);
      }
      const balances = new Map(before.benefits.balances);
      for (const { user_id, points } of redemptions)
        balances.set(user_id, (balances.get(user_id) as number) - points);
      return { ...before, products, benefits: { discounts, usedByUser, balances } };
    }
  });
});
