import { check } from './check.js';

/**
 * Promise 7: the same idempotency key gives the same answer. A claim that was kept must name what it has made, for the
 * caller who made it. The parts of a scope are the caller, the method, the path and the key.
 */
export const CLAIM_CHECKS = [
  check(
    'claims_name_their_orders',
    `SELECT c.scope AS claim, c.order_id, o.user_id, c.claims FROM (
       SELECT scope, order_id, count(*) OVER (PARTITION BY order_id) AS claims FROM (
         SELECT scope, CASE split_part(scope, ' ', 3)
                         WHEN '/api/v1/checkout' THEN resource_id::text
                         WHEN '/api/v1/orders' THEN response::jsonb->>'id' END AS order_id
         FROM idempotency_keys
         WHERE split_part(scope, ' ', 2) = 'POST' AND split_part(scope, ' ', 3) IN ('/api/v1/checkout', '/api/v1/orders')
       ) named
     ) c LEFT JOIN orders o ON o.id::text = c.order_id
     WHERE o.id IS NULL OR c.claims > 1 OR o.user_id::text <> split_part(c.scope, ' ', 1)`,
  ),

  check(
    'claims_name_their_payments',
    `SELECT c.scope AS claim, c.payment_id, p.order_id FROM (
       SELECT scope, coalesce(resource_id::text, response::jsonb->>'id') AS payment_id,
              substring(split_part(scope, ' ', 3) FROM '^/api/v1/orders/([^/]+)/payments$') AS order_id
       FROM idempotency_keys WHERE split_part(scope, ' ', 3) LIKE '/api/v1/orders/%/payments'
     ) c LEFT JOIN payments p ON p.id::text = c.payment_id
     WHERE p.order_id::text IS DISTINCT FROM c.order_id`,
  ),
];
