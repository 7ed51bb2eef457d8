import fc from 'fast-check';
import type { PlacementRequest } from '../../src/order/order.types.js';
import { cartRoundKey, type Decision, decide, type Locked } from '../../src/order/placement/decide.js';
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

const lockedOf = (products: LockedProduct[], boughtRounds: string[] = []): Locked => ({
  products: new Map(products.map((each) => [each.id, each])),
  boughtRounds: new Set(boughtRounds),
});

let made = 0;
const request = (lines: [number, number][], over: Partial<PlacementRequest> = {}): PlacementRequest => ({
  order_id: `order-${++made}`,
  user_id: 1,
  lines: lines.map(([product_id, quantity]) => ({ product_id, quantity })),
  payment_method: 'credit_card',
  expected_total_minor: null,
  shipping_address: null,
  note: null,
  hold_seconds: 60,
  claim: null,
  checkout: null,
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
    expect(writes).toEqual({ orders: [], takings: [] });
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
          const before = structuredClone({ products: given.products, rounds: given.boughtRounds });
          decide(given, requests);
          expect({ products: given.products, rounds: given.boughtRounds }).toEqual(before);
        }),
      );
    });
  });
});
