import { randomUUID } from 'node:crypto';
import type { Orders } from './shop.js';

const UNKNOWN = randomUUID();

/** Moves stock as the ledger's owner does: count, row and event agree. */
const move = (product: number, delta: number, kind: string, ref: string, round = 1) => [
  `UPDATE products SET stock = stock + ${delta}, stock_sequence = stock_sequence + 1 WHERE id = ${product}`,
  `INSERT INTO stock_movements (product_id, kind, delta, stock_after, order_ref, round)
   SELECT id, '${kind}', ${delta}, stock, '${ref}', ${round} FROM products WHERE id = ${product}`,
  `INSERT INTO events (id, type, data)
   SELECT uuidv7(), 'stock.changed', jsonb_build_object('product_id', id, 'stock', stock, 'sequence', stock_sequence)
   FROM products WHERE id = ${product}`,
];

const forget = (event: string) => [
  `DELETE FROM events_undispatched WHERE event_id IN (SELECT id FROM events WHERE ${event})`,
  `DELETE FROM events WHERE ${event}`,
];

/** What is done by hand, which check must see it, and what its row must say. */
export type Damage = [
  what: string,
  check: string,
  damage: (orders: Orders) => string[],
  row: (orders: Orders) => Record<string, unknown>,
];

export const DAMAGES: Damage[] = [
  [
    'a negative count',
    'stock_never_negative',
    () => [
      'ALTER TABLE products DROP CONSTRAINT products_stock_check, DROP CONSTRAINT products_first_count_check',
      `INSERT INTO products (id, sku, name, price_minor, stock, first_count) VALUES (77, 'x', 'x', 1, -1, -1)`,
    ],
    () => ({ product_id: 77, stock: -1, first_count: -1 }),
  ],
  [
    'a count without its row of the ledger',
    'stock_equals_ledger',
    () => ['UPDATE products SET stock = stock - 1 WHERE id = 5'],
    () => ({ product_id: 5, first_count: 200, ledger_total: 0, stock: 199 }),
  ],
  [
    'a row of the ledger with another count',
    'ledger_is_a_chain',
    (orders) => [
      `UPDATE stock_movements SET stock_after = stock_after + 1
       WHERE order_ref = '${orders.pending}' AND product_id = 3`,
    ],
    () => ({ product_id: 3, stock_before: 300, delta: -1, stock_after: 300 }),
  ],
  [
    'a line that was not taken in full',
    'orders_took_every_line',
    (orders) => [
      `UPDATE order_lines SET quantity = quantity + 1, subtotal_minor = subtotal_minor + price_minor
       WHERE order_id = '${orders.pending}' AND product_id = 3`,
      `UPDATE orders SET items_price_minor = items_price_minor + 8999, total_price_minor = total_price_minor + 8999
       WHERE id = '${orders.pending}'`,
    ],
    (orders) => ({ order_id: orders.pending, product_id: 3, ordered: 2, taken: 1 }),
  ],
  [
    'goods taken for no line',
    'orders_took_every_line',
    (orders) => move(5, -1, 'taken', orders.pending),
    (orders) => ({ order_id: orders.pending, product_id: 5, ordered: null, taken: 1 }),
  ],
  [
    'an order that has lost a line',
    'orders_have_every_line',
    (orders) => [
      `UPDATE orders SET items_price_minor = items_price_minor + 100, total_price_minor = total_price_minor + 100
       WHERE id = '${orders.pending}'`,
    ],
    (orders) => ({ order_id: orders.pending, items_price_minor: 269097, lines_minor: 268997 }),
  ],
  [
    'a second return',
    'ended_orders_gave_back_once',
    (orders) => ['DROP INDEX stock_movements_once', ...move(1, 2, 'returned', orders.cancelled)],
    (orders) => ({ order_id: orders.cancelled, status: 'cancelled', product_id: 1, taken: 2, returned: 4 }),
  ],
  [
    'an order that ended without its return',
    'ended_orders_gave_back_once',
    (orders) => [
      `UPDATE stock_movements SET kind = 'in', order_ref = NULL WHERE order_ref = '${orders.failed}' AND kind = 'returned'`,
    ],
    (orders) => ({ order_id: orders.failed, status: 'failed', product_id: 2, taken: 3, returned: 0 }),
  ],
  [
    'a return of what is still held',
    'live_orders_keep_their_goods',
    (orders) => move(3, 1, 'returned', orders.pending),
    (orders) => ({ order_id: orders.pending, status: 'pending', product_id: 3, taken: 1, returned: 1 }),
  ],
  [
    'a revived order that has kept its goods of neither round',
    'live_orders_keep_their_goods',
    (orders) => move(2, 3, 'returned', orders.revived, 2),
    (orders) => ({ order_id: orders.revived, status: 'paid', product_id: 2, taken: 6, returned: 6 }),
  ],
  [
    'an order that was cancelled when paid and has kept its goods',
    'ended_orders_gave_back_once',
    (orders) => [
      `UPDATE stock_movements SET kind = 'in', order_ref = NULL WHERE order_ref = '${orders.undone}' AND kind = 'returned'`,
    ],
    (orders) => ({ order_id: orders.undone, status: 'cancelled', product_id: 2, taken: 3, returned: 0 }),
  ],
  [
    'goods that have come back and are not in stock',
    'returns_are_in_stock_once',
    (orders) => [
      `INSERT INTO order_returns (order_id, number, product_id, sellable, quantity)
       VALUES ('${orders.returned}', 2, 2, true, 1)`,
    ],
    (orders) => ({
      order_id: orders.returned,
      product_id: 2,
      sellable: 2,
      restocked: 1,
      quantity: 2,
      sold: 3,
    }),
  ],
  [
    'goods in stock that have not come back',
    'returns_are_in_stock_once',
    (orders) => move(2, 1, 'restocked', orders.paid),
    (orders) => ({ order_id: orders.paid, product_id: 2, sellable: null, restocked: 1, quantity: null }),
  ],
  [
    'more goods back than were sold',
    'returns_are_in_stock_once',
    (orders) => [
      `INSERT INTO order_returns (order_id, number, product_id, sellable, quantity)
       VALUES ('${orders.returned}', 2, 2, false, 3)`,
    ],
    (orders) => ({ order_id: orders.returned, sellable: 1, restocked: 1, quantity: 4, sold: 3 }),
  ],
  [
    'a return of what another system never took',
    'nothing_returned_that_was_not_taken',
    () => move(5, 1, 'returned', 'erp-1'),
    () => ({ order_ref: 'erp-1', product_id: 5, taken: 0, returned: 1 }),
  ],
  [
    "another system's hold that has ended and kept its goods",
    'ended_holds_gave_back',
    () => [
      `INSERT INTO reservations (id, order_ref, status, ttl_seconds, expires_at, ended_at)
       VALUES (uuidv7(), 'erp-2', 'expired', 60, now(), now())`,
      ...move(5, -4, 'taken', 'erp-2'),
    ],
    () => ({ order_ref: 'erp-2', status: 'expired', product_id: 5, taken: 4, returned: 0 }),
  ],
  [
    'a hold that has ended under a living order',
    'holds_match_orders',
    (orders) => [
      `UPDATE reservations SET status = 'expired', ended_at = now() WHERE order_id = '${orders.pending}'`,
    ],
    (orders) => ({ order_id: orders.pending, order_status: 'pending', reservation_status: 'expired' }),
  ],
  [
    'a hold that is fulfilled though its order had expired',
    'holds_match_orders',
    (orders) => [`UPDATE reservations SET status = 'fulfilled' WHERE order_id = '${orders.revived}'`],
    (orders) => ({ order_id: orders.revived, order_status: 'paid', reservation_status: 'fulfilled' }),
  ],
  [
    'a hold that is cancelled though its order was paid',
    'holds_match_orders',
    (orders) => [`UPDATE reservations SET status = 'cancelled' WHERE order_id = '${orders.undone}'`],
    (orders) => ({ order_id: orders.undone, order_status: 'cancelled', reservation_status: 'cancelled' }),
  ],
  [
    'two payments at once',
    'orders_have_one_payment_at_most',
    (orders) => [
      'DROP INDEX payments_one_live',
      `INSERT INTO payments (id, order_id, attempt, status, amount_minor, currency, provider, idempotency_key, request, next_check_at)
       SELECT uuidv7(), order_id, 2, 'pending', amount_minor, currency, provider, 'another', request, now()
       FROM payments WHERE order_id = '${orders.paid}'`,
    ],
    (orders) => ({ order_id: orders.paid, payments: 2, statuses: ['succeeded', 'pending'] }),
  ],
  [
    'a paid order with less money',
    'paid_orders_have_their_money',
    (orders) => [`UPDATE payments SET amount_minor = amount_minor - 1 WHERE order_id = '${orders.paid}'`],
    (orders) => ({ order_id: orders.paid, status: 'paid', captured: 1 }),
  ],
  [
    'a paid order without a payment',
    'paid_orders_have_their_money',
    (orders) => [
      `UPDATE payments SET status = 'failed' WHERE order_id = '${orders.declined}' AND status = 'succeeded'`,
    ],
    (orders) => ({ order_id: orders.declined, status: 'paid', captured: 0, captured_minor: 0 }),
  ],
  [
    'money for an order that has failed',
    'no_money_without_goods',
    (orders) => [`UPDATE payments SET status = 'succeeded' WHERE order_id = '${orders.failed}'`],
    (orders) => ({ order_id: orders.failed, order_status: 'failed', amount_minor: 8997, refunded_minor: 0 }),
  ],
  [
    'a refund that its payment does not know',
    'refunds_add_up',
    (orders) => [
      `UPDATE payments SET refunded_minor = refunded_minor - 1 WHERE order_id = '${orders.returned}'`,
    ],
    (orders) => ({ order_id: orders.returned, refunded_minor: 2998, succeeded_minor: 2999 }),
  ],
  [
    'a promise that no refund keeps',
    'refunds_add_up',
    (orders) => [`UPDATE payments SET refunding_minor = 1 WHERE order_id = '${orders.returned}'`],
    (orders) => ({ order_id: orders.returned, refunding_minor: 1, live_minor: 0 }),
  ],
  [
    'an order that does not know of its refund',
    'orders_know_their_refunds',
    (orders) => [`UPDATE orders SET payment_status = 'paid' WHERE id = '${orders.returned}'`],
    (orders) => ({ order_id: orders.returned, payment_status: 'paid', refunded_minor: 2999 }),
  ],
  [
    'an order that takes a part of its money for all',
    'orders_know_their_refunds',
    (orders) => [`UPDATE orders SET payment_status = 'paid' WHERE id = '${orders.returned}'`],
    (orders) => ({ order_id: orders.returned, payment_status: 'paid', amount_minor: 8997 }),
  ],
  [
    'a refund that nobody was told of',
    'refunds_are_told',
    (orders) => forget(`type = 'payment.refunded' AND data->>'order_id' = '${orders.undone}'`),
    (orders) => ({ order_id: orders.undone, told: 0 }),
  ],
  [
    'a refund that was told of twice',
    'refunds_are_told',
    (orders) => [
      `INSERT INTO events (id, type, data) SELECT uuidv7(), type, data FROM events
       WHERE type = 'payment.refunded' AND data->>'order_id' = '${orders.undone}'`,
    ],
    (orders) => ({ order_id: orders.undone, told: 2 }),
  ],
  [
    'a paid order that nobody was told of',
    'orders_are_told',
    (orders) => forget(`type = 'order.paid' AND data->>'order_id' = '${orders.paid}'`),
    (orders) => ({ order_id: orders.paid, event: 'order.paid', happened: 1, told: 0 }),
  ],
  [
    'an order that was told of twice',
    'orders_are_told',
    (orders) => [
      `INSERT INTO events (id, type, data) VALUES (uuidv7(), 'order.placed', '{"order_id": "${orders.paid}"}')`,
    ],
    (orders) => ({ order_id: orders.paid, event: 'order.placed', happened: 1, told: 2 }),
  ],
  [
    'a change of stock that nobody was told of',
    'stock_changes_are_told',
    () => forget(`type = 'stock.changed' AND data @> '{"product_id": 3, "sequence": 1}'`),
    () => ({ product_id: 3, stock_sequence: 1, told_sequence: null, stock: 299 }),
  ],
  [
    'a gap in what was told',
    'stock_changes_are_told',
    () => forget(`type = 'stock.changed' AND data @> '{"product_id": 1, "sequence": 2}'`),
    () => ({ product_id: 1 }),
  ],
  [
    'an event that waits for ever',
    'outbox_is_dispatched',
    () => [
      `WITH told AS (INSERT INTO events (id, type, data, created_at)
         VALUES (uuidv7(), 'stock.low', '{}', now() - interval '11 minutes') RETURNING id, type)
       INSERT INTO events_undispatched (event_id, type) SELECT id, type FROM told`,
    ],
    () => ({ type: 'stock.low' }),
  ],
  [
    'an effect twice',
    'events_had_their_effect_once',
    () => [
      'ALTER TABLE event_processing_log DROP CONSTRAINT event_processing_log_pkey',
      `INSERT INTO event_processing_log (event_id, consumer)
       SELECT '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d', 'mail' FROM generate_series(1, 2)`,
    ],
    () => ({ event_id: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d', consumer: 'mail', times: 2 }),
  ],
  [
    'a checkout whose order is not there',
    'claims_name_their_orders',
    (orders) => [
      `UPDATE idempotency_keys SET resource_id = '${UNKNOWN}' WHERE scope LIKE '%/checkout %' AND resource_id = '${orders.paid}'`,
    ],
    () => ({ order_id: UNKNOWN, claims: 1 }),
  ],
  [
    'two claims for one order',
    'claims_name_their_orders',
    (orders) => [
      `UPDATE idempotency_keys SET resource_id = '${orders.paid}' WHERE scope LIKE '%/checkout %' AND resource_id = '${orders.failed}'`,
    ],
    (orders) => ({ order_id: orders.paid, claims: 2 }),
  ],
  [
    "an answer with somebody else's order",
    'claims_name_their_orders',
    (orders) => [
      `UPDATE idempotency_keys SET scope = replace(scope, split_part(scope, ' ', 1) || ' POST', '0 POST')
       WHERE response::jsonb->>'id' = '${orders.pending}'`,
    ],
    (orders) => ({ order_id: orders.pending, claims: 1 }),
  ],
  [
    'a payment of another order',
    'claims_name_their_payments',
    (orders) => [
      `UPDATE idempotency_keys SET resource_id = (SELECT id FROM payments WHERE order_id = '${orders.paid}')
       WHERE scope LIKE '%/payments %' AND response::jsonb->>'status' = 'succeeded'`,
    ],
    (orders) => ({ order_id: orders.paid }),
  ],
];
