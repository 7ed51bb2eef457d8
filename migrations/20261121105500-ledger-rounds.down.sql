DROP INDEX stock_movements_once;
CREATE UNIQUE INDEX stock_movements_once ON stock_movements (order_ref, product_id, kind) WHERE order_ref IS NOT NULL;
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_check1;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_check1
  CHECK (CASE kind WHEN 'in' THEN delta > 0 WHEN 'returned' THEN delta > 0
                   WHEN 'out' THEN delta < 0 WHEN 'taken' THEN delta < 0 ELSE true END);
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_check CHECK ((kind IN ('taken', 'returned')) = (order_ref IS NOT NULL));
ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_kind_check;
ALTER TABLE stock_movements ADD CONSTRAINT stock_movements_kind_check
  CHECK (kind IN ('in', 'out', 'adjustment', 'taken', 'returned'));
ALTER TABLE stock_movements DROP COLUMN round;
