import { check } from './check.js';

// Events are kept for longer than this, and then deleted.
const KEPT = `now() - interval '60 days'`;

/** Promise 6: a change and its event are one transaction, and an event's effect on a consumer happens once. */
export const EVENT_CHECKS = [
  // Every step of an order's life has one event of its own, and every such event a step.
  check(
    'orders_are_told',
    `SELECT order_id, type AS event, coalesce(s.times, 0) AS happened, coalesce(e.times, 0) AS told
     FROM (
       SELECT order_id::text AS order_id, CASE status WHEN 'pending' THEN 'order.placed' ELSE 'order.' || status END AS type,
              count(*) AS times
       FROM order_history WHERE NOT is_note AND at > ${KEPT} GROUP BY 1, 2) s
     FULL JOIN (
       SELECT data->>'order_id' AS order_id, type, count(*) AS times
       FROM events
       WHERE created_at > ${KEPT} AND type IN ('order.placed', 'order.paid', 'order.failed', 'order.expired', 'order.cancelled',
                                               'order.shipped', 'order.delivered')
       GROUP BY 1, 2) e USING (order_id, type)
     WHERE s.times IS DISTINCT FROM e.times`,
  ),

  check(
    'refunds_are_told',
    `SELECT r.id AS refund_id, r.order_id, count(e.id) AS told
     FROM refunds r LEFT JOIN events e ON e.type = 'payment.refunded' AND e.data->>'refund_id' = r.id::text
     WHERE r.status = 'succeeded' AND r.settled_at > ${KEPT} GROUP BY r.id HAVING count(e.id) <> 1`,
  ),

  // Sequences without a gap up to the product's own, the newest with the stock that there is now.
  check(
    'stock_changes_are_told',
    `SELECT p.id AS product_id, p.stock_sequence, e.newest AS told_sequence, e.told, p.stock, e.stock AS told_stock
     FROM products p
     JOIN (SELECT product_id FROM stock_movements WHERE delta <> 0 AND created_at > ${KEPT} GROUP BY 1) m ON m.product_id = p.id
     LEFT JOIN (
       SELECT (data->>'product_id')::int AS product_id, count(*) AS told,
              min((data->>'sequence')::bigint) AS oldest, max((data->>'sequence')::bigint) AS newest,
              (array_agg((data->>'stock')::int ORDER BY (data->>'sequence')::bigint DESC))[1] AS stock
       FROM events WHERE type = 'stock.changed' AND created_at > ${KEPT} GROUP BY 1) e ON e.product_id = p.id
     WHERE e.newest IS DISTINCT FROM p.stock_sequence OR e.stock IS DISTINCT FROM p.stock OR e.told <> e.newest - e.oldest + 1`,
  ),

  check(
    'outbox_is_dispatched',
    `SELECT u.event_id, u.type, e.created_at FROM events_undispatched u LEFT JOIN events e ON e.id = u.event_id
     WHERE coalesce(e.created_at < now() - interval '10 minutes', true)`,
  ),

  check(
    'events_had_their_effect_once',
    `SELECT event_id, consumer, count(*) AS times FROM event_processing_log GROUP BY 1, 2 HAVING count(*) > 1`,
  ),
];
