import { check } from './check.js';

const LIVE = `('pending', 'paid', 'shipped', 'delivered')`;
const ENDED = `('failed', 'expired', 'cancelled')`;

/**
 * What each order, ours or another system's, has taken of each product and got back, by the ledger. An order that was revived
 * has taken its goods in a second round, after those of the first had come back.
 */
const BALANCE = `
  SELECT order_ref, product_id, max(round) FILTER (WHERE kind = 'taken') AS rounds,
         coalesce(-sum(delta) FILTER (WHERE kind = 'taken'), 0) AS taken,
         coalesce(sum(delta) FILTER (WHERE kind = 'returned'), 0) AS returned,
         coalesce(sum(delta) FILTER (WHERE kind = 'restocked'), 0) AS restocked
  FROM stock_movements WHERE order_ref IS NOT NULL GROUP BY order_ref, product_id`;

/** Promises 2 and 3: an order holds all its lines or none, and what it took comes back exactly once when it ends. */
export const ORDER_CHECKS = [
  // Whatever has become of it: an order is there because it took every one of its lines.
  check(
    'orders_took_every_line',
    `SELECT order_id, product_id, l.quantity AS ordered, t.taken
     FROM order_lines l FULL JOIN (
       SELECT o.id AS order_id, b.product_id, b.taken, b.rounds FROM (${BALANCE}) b JOIN orders o ON o.id::text = b.order_ref
       WHERE b.taken <> 0) t USING (order_id, product_id)
     WHERE l.quantity * t.rounds IS DISTINCT FROM t.taken`,
  ),

  // Finds a line that is gone together with its rows of the ledger.
  check(
    'orders_have_every_line',
    `SELECT o.id AS order_id, o.items_price_minor, coalesce(sum(l.subtotal_minor), 0) AS lines_minor
     FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
     GROUP BY o.id HAVING o.items_price_minor <> coalesce(sum(l.subtotal_minor), 0)`,
  ),

  check(
    'ended_orders_gave_back_once',
    `SELECT o.id AS order_id, o.status, b.product_id, b.taken, b.returned
     FROM orders o JOIN (${BALANCE}) b ON b.order_ref = o.id::text
     WHERE o.status IN ${ENDED} AND b.returned <> b.taken`,
  ),

  check(
    'live_orders_keep_their_goods',
    `SELECT o.id AS order_id, o.status, b.product_id, b.taken, b.returned
     FROM orders o JOIN (${BALANCE}) b ON b.order_ref = o.id::text
     WHERE o.status IN ${LIVE} AND b.returned * b.rounds <> b.taken * (b.rounds - 1)`,
  ),

  check(
    'nothing_returned_that_was_not_taken',
    `SELECT b.order_ref, b.product_id, b.taken, b.returned FROM (${BALANCE}) b
     WHERE b.returned > b.taken AND NOT EXISTS (SELECT FROM orders o WHERE o.id::text = b.order_ref)`,
  ),

  check(
    'returns_are_in_stock_once',
    `SELECT order_id, product_id, r.sellable, m.restocked, r.quantity, l.quantity AS sold
     FROM (
       SELECT order_id, product_id, sum(quantity) AS quantity,
              coalesce(sum(quantity) FILTER (WHERE sellable), 0) AS sellable
       FROM order_returns GROUP BY order_id, product_id) r
     FULL JOIN (
       SELECT o.id AS order_id, b.product_id, b.restocked FROM (${BALANCE}) b JOIN orders o ON o.id::text = b.order_ref
       WHERE b.restocked <> 0) m USING (order_id, product_id)
     LEFT JOIN order_lines l USING (order_id, product_id)
     WHERE coalesce(r.sellable, 0) <> coalesce(m.restocked, 0) OR r.quantity > l.quantity`,
  ),

  // Of a product that was rolled back in part before, no more comes back: anything returned will do.
  check(
    'ended_holds_gave_back',
    `SELECT r.id AS reservation_id, r.status, b.order_ref, b.product_id, b.taken, b.returned
     FROM reservations r JOIN (${BALANCE}) b ON b.order_ref = r.order_ref
     WHERE r.order_id IS NULL AND r.status IN ('cancelled', 'expired') AND b.taken > 0 AND b.returned = 0`,
  ),

  // A hold's end is final: an order that is paid late keeps its expired hold, one that is cancelled when paid its fulfilled one.
  check(
    'holds_match_orders',
    `SELECT o.id AS order_id, o.status AS order_status, r.id AS reservation_id, r.status AS reservation_status
     FROM orders o LEFT JOIN reservations r ON r.order_id = o.id,
     LATERAL (SELECT EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.status = 'paid') AS was_paid,
                     EXISTS (SELECT FROM order_history h WHERE h.order_id = o.id AND h.status = 'expired') AS was_expired) past
     WHERE r.status IS DISTINCT FROM CASE
       WHEN o.status = 'pending' THEN 'active'
       WHEN past.was_expired THEN 'expired'
       WHEN past.was_paid THEN 'fulfilled'
       ELSE 'cancelled' END`,
  ),
];
