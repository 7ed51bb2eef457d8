import { check } from './check.js';

/** Promise 1: stock is never negative, and for every product first count + sum of ledger = stock now. */
export const STOCK_CHECKS = [
  check(
    'stock_never_negative',
    'SELECT id AS product_id, stock, first_count FROM products WHERE stock < 0 OR first_count < 0',
  ),

  check(
    'stock_equals_ledger',
    `SELECT p.id AS product_id, p.first_count, coalesce(l.total, 0) AS ledger_total, p.stock
     FROM products p LEFT JOIN (
       SELECT product_id, sum(delta) AS total FROM stock_movements GROUP BY product_id) l ON l.product_id = p.id
     WHERE p.first_count + coalesce(l.total, 0) <> p.stock`,
  ),

  // Row by row, so that two errors which cancel each other out are found as well. A product's rows are written under its
  // lock: their ids are in the order of what has happened.
  check(
    'ledger_is_a_chain',
    `SELECT movement_id, product_id, stock_before, delta, stock_after FROM (
       SELECT m.id AS movement_id, m.product_id, m.delta, m.stock_after,
              lag(m.stock_after, 1, p.first_count) OVER (PARTITION BY m.product_id ORDER BY m.id) AS stock_before
       FROM stock_movements m JOIN products p ON p.id = m.product_id) chain
     WHERE stock_after <> stock_before + delta OR stock_after < 0`,
  ),
];
