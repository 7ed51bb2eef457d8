import type { Damage } from './damages.js';

const OF_CODE = `WHERE code = 'AUDIT10'`;
const userOf = (order: string) => `(SELECT user_id FROM orders WHERE id = '${order}')`;

/** Books points as their owner does: the entry and the balance agree. */
const book = (order: string, kind: string, delta: number, round = 1) => [
  `INSERT INTO points_entries (user_id, delta, kind, order_id, round)
   VALUES (${userOf(order)}, ${delta}, '${kind}', '${order}', ${round})`,
  `UPDATE points_accounts SET balance = balance + ${delta} WHERE user_id = ${userOf(order)}`,
];

/** What is done by hand to discounts and points. */
export const BENEFIT_DAMAGES: Damage[] = [
  [
    'a discount that counts a use too many',
    'discounts_count_their_uses',
    () => [`UPDATE discounts SET usage_limit = 9, times_used = 2 ${OF_CODE}`],
    () => ({ code: 'AUDIT10', times_used: 2, live_uses: 1 }),
  ],
  [
    'a discount that is used more often than it may be',
    'discounts_count_their_uses',
    (orders) => [
      'ALTER TABLE discounts DROP CONSTRAINT discounts_usage_limit_kept',
      `UPDATE discounts SET times_used = 2 ${OF_CODE}`,
      `INSERT INTO discount_uses (order_id, discount_id, user_id, discount_price_minor)
       SELECT '${orders.pending}', id, ${userOf(orders.pending)}, 0 FROM discounts ${OF_CODE}`,
      `UPDATE orders SET discount_code = 'AUDIT10' WHERE id = '${orders.pending}'`,
    ],
    () => ({ code: 'AUDIT10', times_used: 2, usage_limit: 1, live_uses: 2 }),
  ],
  [
    'an order that has ended and kept its use',
    'orders_have_their_discounts',
    (orders) => [
      `UPDATE discounts SET usage_limit = 2, times_used = 2 ${OF_CODE}`,
      `UPDATE discount_uses SET returned_at = NULL WHERE order_id = '${orders.undiscounted}'`,
    ],
    (orders) => ({ order_id: orders.undiscounted, status: 'cancelled', returned_at: null }),
  ],
  [
    'an order that lives and has given its use back',
    'orders_have_their_discounts',
    (orders) => [
      `UPDATE discounts SET times_used = 0 ${OF_CODE}`,
      `UPDATE discount_uses SET returned_at = now() WHERE order_id = '${orders.discounted}'`,
    ],
    (orders) => ({ order_id: orders.discounted, status: 'pending' }),
  ],
  [
    'an order that costs less for nothing',
    'orders_have_their_discounts',
    (orders) => [
      `UPDATE orders SET discount_code = 'AUDIT10', discount_price_minor = 100, total_price_minor = total_price_minor - 100
       WHERE id = '${orders.pending}'`,
    ],
    (orders) => ({ order_id: orders.pending, discount_price_minor: 100, discount_id: null }),
  ],
  [
    'a use for another amount than the order got',
    'orders_have_their_discounts',
    (orders) => [
      `UPDATE discount_uses SET discount_price_minor = discount_price_minor + 1 WHERE order_id = '${orders.discounted}'`,
    ],
    (orders) => ({ order_id: orders.discounted, discount_price_minor: 900, used_minor: 901 }),
  ],
  [
    'a balance that no entry explains',
    'points_equal_ledger',
    (orders) => [`UPDATE points_accounts SET balance = balance + 5 WHERE user_id = ${userOf(orders.paid)}`],
    () => ({ balance: 2_861, ledger_total: 2_856 }),
  ],
  [
    'points that are owed and that no entry explains',
    'points_equal_ledger',
    (orders) => [
      'ALTER TABLE points_accounts DROP CONSTRAINT points_accounts_owed_first',
      `UPDATE points_accounts SET balance = balance + 5, owed = 5 WHERE user_id = ${userOf(orders.paid)}`,
    ],
    () => ({ balance: 2_861, owed: 5, ledger_total: 2_856 }),
  ],
  [
    'points that are owed and were forgotten',
    'points_equal_ledger',
    (orders) => [
      // As if what it has of others had been spent long ago: it owes what the undone order had earned.
      `DELETE FROM points_entries WHERE user_id = ${userOf(orders.undone)} AND kind = 'earned' AND order_id <> '${orders.undone}'`,
      `UPDATE points_accounts SET balance = 0 WHERE user_id = ${userOf(orders.undone)}`,
    ],
    () => ({ balance: 0, owed: 0, ledger_total: -100 }),
  ],
  [
    'an order that has ended and kept its points',
    'orders_keep_their_points',
    (orders) => book(orders.undiscounted, 'redeemed', -200, 2),
    (orders) => ({ order_id: orders.undiscounted, status: 'cancelled', redeemed_points: 200, kept: 200 }),
  ],
  [
    'points that came back twice',
    'orders_keep_their_points',
    (orders) => book(orders.undiscounted, 'returned', 200, 2),
    (orders) => ({ order_id: orders.undiscounted, kept: -200 }),
  ],
  [
    'points that came back from an order that lives',
    'orders_keep_their_points',
    (orders) => book(orders.discounted, 'returned', 100),
    (orders) => ({ order_id: orders.discounted, status: 'pending', redeemed_points: 100, kept: 0 }),
  ],
  [
    'an order that has earned twice',
    'points_are_earned_once',
    (orders) => [
      'ALTER TABLE points_entries DROP CONSTRAINT points_entries_once',
      ...book(orders.paid, 'earned', 2_689),
    ],
    (orders) => ({ order_id: orders.paid, times_earned: 2, earned: 5_378 }),
  ],
  [
    'points for an order that nobody has paid',
    'points_are_earned_once',
    (orders) => book(orders.pending, 'earned', 10),
    (orders) => ({ order_id: orders.pending, status: 'pending', times_earned: 1, earned: 10 }),
  ],
  [
    'an order that was refunded and kept what it earned',
    'points_are_earned_once',
    (orders) => [`UPDATE orders SET payment_status = 'refunded' WHERE id = '${orders.paid}'`],
    (orders) => ({ order_id: orders.paid, payment_status: 'refunded', times_taken_back: 0 }),
  ],
  [
    'an order that was cancelled and kept a part of what it earned',
    'points_are_earned_once',
    (orders) => [
      `UPDATE points_entries SET delta = delta + 5 WHERE order_id = '${orders.undone}' AND kind = 'taken_back'`,
      `UPDATE points_accounts SET balance = balance + 5 WHERE user_id = ${userOf(orders.undone)}`,
    ],
    (orders) => ({ order_id: orders.undone, status: 'cancelled', earned: 89, taken_back: 84 }),
  ],
  [
    'an order that stands and has lost what it earned',
    'points_are_earned_once',
    (orders) => book(orders.paid, 'taken_back', -5),
    (orders) => ({ order_id: orders.paid, times_taken_back: 1, taken_back: 5 }),
  ],
];
