-- An order that had expired and is paid late takes its goods a second time: in a round of its own, so that in each round
-- what was taken still comes back once. Goods that a customer sends back are counted by their return.
ALTER TABLE stock_movements ADD COLUMN round integer NOT NULL DEFAULT 1 CHECK (round > 0);
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_kind_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_kind_check
  CHECK (kind IN ('in', 'out', 'adjustment', 'taken', 'returned', 'restocked'));
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_check
  CHECK ((kind IN ('taken', 'returned', 'restocked')) = (order_ref IS NOT NULL));
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_check1;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_check1
  CHECK (CASE kind WHEN 'in' THEN delta > 0 WHEN 'returned' THEN delta > 0 WHEN 'restocked' THEN delta > 0
                   WHEN 'out' THEN delta < 0 WHEN 'taken' THEN delta < 0 ELSE true END);
DROP INDEX stock_movements_once;
CREATE UNIQUE INDEX stock_movements_once ON stock_movements (order_ref, product_id, kind, round) WHERE order_ref IS NOT NULL;
