import { check } from './check.js';

/** Promises 4 and 5: an order has at most one captured payment, and no money is kept without stock. */
export const PAYMENT_CHECKS = [
  check(
    'orders_have_one_payment_at_most',
    `SELECT order_id, count(*) AS payments, array_agg(id ORDER BY attempt) AS payment_ids,
            array_agg(status ORDER BY attempt) AS statuses
     FROM payments WHERE status <> 'failed' GROUP BY order_id HAVING count(*) > 1`,
  ),

  check(
    'paid_orders_have_their_money',
    `SELECT o.id AS order_id, o.status, o.total_price_minor, count(p.id) AS captured,
            coalesce(sum(p.amount_minor), 0) AS captured_minor
     FROM orders o LEFT JOIN payments p ON p.order_id = o.id AND p.status = 'succeeded'
     WHERE o.status IN ('paid', 'shipped', 'delivered')
     GROUP BY o.id
     HAVING coalesce(sum(p.amount_minor), 0) <> o.total_price_minor
         OR count(p.id) <> CASE WHEN o.total_price_minor = 0 THEN 0 ELSE 1 END`,
  ),

  check(
    'no_money_without_goods',
    `SELECT p.id AS payment_id, p.order_id, o.status AS order_status, p.amount_minor, p.refunded_minor, p.refunding_minor
     FROM payments p JOIN orders o ON o.id = p.order_id
     WHERE p.status = 'succeeded' AND p.refunded_minor + p.refunding_minor < p.amount_minor
       AND o.status NOT IN ('paid', 'shipped', 'delivered')`,
  ),

  check(
    'refunds_add_up',
    `SELECT p.id AS payment_id, p.order_id, p.amount_minor, p.refunded_minor, r.succeeded_minor, p.refunding_minor, r.live_minor
     FROM payments p,
     LATERAL (
       SELECT coalesce(sum(amount_minor) FILTER (WHERE status = 'succeeded'), 0) AS succeeded_minor,
              coalesce(sum(amount_minor) FILTER (WHERE status IN ('pending', 'unknown')), 0) AS live_minor
       FROM refunds WHERE payment_id = p.id) r
     WHERE p.refunded_minor <> r.succeeded_minor OR p.refunding_minor <> r.live_minor
        OR p.refunded_minor + p.refunding_minor > p.amount_minor`,
  ),

  // The order says what its payment says.
  check(
    'orders_know_their_refunds',
    `SELECT o.id AS order_id, o.payment_status, p.amount_minor, p.refunded_minor
     FROM payments p JOIN orders o ON o.id = p.order_id
     WHERE p.status = 'succeeded' AND p.refunded_minor > 0
       AND o.payment_status <> CASE WHEN p.refunded_minor = p.amount_minor THEN 'refunded' ELSE 'partially_refunded' END`,
  ),
];
