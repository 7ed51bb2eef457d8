-- What overdue holds keep, by product: as good as free, since whoever needs the goods ends the hold. Those of an order whose
-- payment is under way are not among them: it may still be paid.
--
-- Every reader of the catalog asks this, and hardly ever is there anything. So the first look is at one entry of
-- reservations_overdue; ORDER BY keeps the planner from looking for it in the table. In plpgsql, whose plans are kept. From
-- the few that are overdue to what they hold, and OFFSET 0 keeps it so: a product that sells well has a long ledger.
CREATE FUNCTION overdue_goods() RETURNS TABLE (product_id integer, quantity bigint) LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
  PERFORM FROM reservations r WHERE r.status = 'active' AND r.expires_at <= now() ORDER BY r.expires_at LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY
    SELECT kept.product_id, sum(kept.quantity)
    FROM overdue_reservations() r
    LEFT JOIN orders o ON o.id = r.order_id
    CROSS JOIN LATERAL (
      SELECT m.product_id, -m.delta AS quantity FROM stock_movements m
      WHERE m.order_ref = r.order_ref AND m.kind IN ('taken', 'returned') OFFSET 0) kept
    WHERE r.order_id IS NULL OR (o.status = 'pending' AND o.payment_status <> 'processing')
    GROUP BY kept.product_id;
END $$;
