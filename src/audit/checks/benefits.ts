import { check } from './check.js';

const LIVE = `('pending', 'paid', 'shipped', 'delivered')`;

/** Promise 3 once more, for what an order gets off its price: taken once, returned once; and points that add up. */
export const BENEFIT_CHECKS = [
  check(
    'discounts_count_their_uses',
    `SELECT d.id AS discount_id, d.code, d.times_used, d.usage_limit, count(u.order_id) AS live_uses
     FROM discounts d LEFT JOIN discount_uses u ON u.discount_id = d.id AND u.returned_at IS NULL
     GROUP BY d.id HAVING d.times_used <> count(u.order_id) OR d.times_used > d.usage_limit`,
  ),

  // A live order has the use that it pays less for, an ended one has returned it, and no other order has any.
  check(
    'orders_have_their_discounts',
    `SELECT o.id AS order_id, o.status, o.discount_code, o.discount_price_minor, u.discount_id,
            u.discount_price_minor AS used_minor, u.returned_at
     FROM orders o LEFT JOIN discount_uses u ON u.order_id = o.id
     WHERE (o.discount_code IS NULL) <> (u.order_id IS NULL)
        OR o.discount_price_minor <> coalesce(u.discount_price_minor, 0)
        OR (u.order_id IS NOT NULL AND (u.returned_at IS NULL) <> (o.status IN ${LIVE}))`,
  ),

  // What is owed is what the ledger is below 0.
  check(
    'points_equal_ledger',
    `SELECT a.user_id, a.balance, a.owed, coalesce(e.total, 0) AS ledger_total FROM points_accounts a
     LEFT JOIN (SELECT user_id, sum(delta) AS total FROM points_entries GROUP BY user_id) e USING (user_id)
     WHERE a.balance <> greatest(coalesce(e.total, 0), 0) OR a.owed <> greatest(-coalesce(e.total, 0), 0)`,
  ),

  check(
    'orders_keep_their_points',
    `SELECT o.id AS order_id, o.status, o.redeemed_points, coalesce(e.kept, 0) AS kept FROM orders o
     LEFT JOIN (SELECT order_id, -sum(delta) AS kept FROM points_entries
                WHERE kind IN ('redeemed', 'returned') GROUP BY order_id) e ON e.order_id = o.id
     WHERE coalesce(e.kept, 0) <> CASE WHEN o.status IN ${LIVE} THEN o.redeemed_points ELSE 0 END`,
  ),

  // How many points a paid order earns depends on settings of its day, and whether on who paid: only that it was paid, and
  // once, can be proved; and that what it had earned is gone, all of it, when it has come to nothing.
  check(
    'points_are_earned_once',
    `SELECT o.id AS order_id, o.status, o.payment_status, e.* FROM orders o JOIN (
       SELECT order_id, count(*) FILTER (WHERE kind = 'earned') AS times_earned,
              coalesce(sum(delta) FILTER (WHERE kind = 'earned'), 0) AS earned,
              count(*) FILTER (WHERE kind = 'taken_back') AS times_taken_back,
              coalesce(-sum(delta) FILTER (WHERE kind = 'taken_back'), 0) AS taken_back
       FROM points_entries WHERE kind IN ('earned', 'taken_back') GROUP BY order_id) e ON e.order_id = o.id
     CROSS JOIN LATERAL (SELECT o.status = 'cancelled' OR o.payment_status = 'refunded' AS undone) u
     WHERE e.times_earned <> 1 OR e.times_taken_back > 1
        OR e.taken_back <> CASE WHEN u.undone THEN e.earned ELSE 0 END OR (e.times_taken_back = 1) <> u.undone
        OR NOT EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.status = 'paid')`,
  ),
];
