-- Rollbacks that arrived before their decrement, so that the late one takes nothing. Without a product: of all products.
-- No foreign key: what is rolled back may be a product that we do not know.
CREATE TABLE inventory_rollbacks (
  order_ref  text NOT NULL CHECK (length(order_ref) BETWEEN 1 AND 64),
  product_id integer CHECK (product_id > 0),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE UNIQUE INDEX inventory_rollbacks_once ON inventory_rollbacks (order_ref, coalesce(product_id, 0));

-- Reading the ledger by kind or by time. Neither costs a sale anything: the one has no rows of orders, the other a summary
-- per range of blocks.
CREATE INDEX stock_movements_by_hand ON stock_movements (kind, id) WHERE kind IN ('in', 'out', 'adjustment');
CREATE INDEX stock_movements_created_at ON stock_movements USING brin (created_at);
