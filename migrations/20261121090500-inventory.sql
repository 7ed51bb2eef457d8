-- The ledger: every change of stock, never updated, never deleted.
CREATE TABLE stock_movements (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id  integer NOT NULL REFERENCES products (id),
  kind        text NOT NULL CHECK (kind IN ('in', 'out', 'adjustment', 'taken', 'returned')),
  delta       integer NOT NULL,
  stock_after integer NOT NULL CHECK (stock_after >= 0),
  -- For whom goods were taken or returned: an order of ours or of another system.
  order_ref   text CHECK (length(order_ref) BETWEEN 1 AND 64),
  reason      text,
  notes       text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  CHECK ((kind IN ('taken', 'returned')) = (order_ref IS NOT NULL)),
  CHECK (CASE kind WHEN 'in' THEN delta > 0 WHEN 'returned' THEN delta > 0
                   WHEN 'out' THEN delta < 0 WHEN 'taken' THEN delta < 0 ELSE true END)
);

-- Whatever is retried: an order takes a product once and gets it back once.
CREATE UNIQUE INDEX stock_movements_once ON stock_movements (order_ref, product_id, kind) WHERE order_ref IS NOT NULL;
CREATE INDEX stock_movements_product ON stock_movements (product_id, id);

-- A hold on goods with an end. What it holds is what the ledger shows as taken for its order_ref.
CREATE TABLE reservations (
  id             uuid PRIMARY KEY,
  order_ref      text NOT NULL UNIQUE CHECK (length(order_ref) BETWEEN 1 AND 64),
  -- The shop's own order; null when the hold is for another system's.
  order_id       uuid UNIQUE CHECK (order_id IS NULL OR order_id::text = order_ref),
  status         text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'fulfilled', 'cancelled', 'expired')),
  payment_method text NOT NULL,
  ttl_seconds    integer NOT NULL CHECK (ttl_seconds > 0),
  expires_at     timestamptz NOT NULL,
  reason         text,
  created_at     timestamptz NOT NULL DEFAULT now(),
  ended_at       timestamptz,
  CHECK ((status = 'active') = (ended_at IS NULL))
);

CREATE INDEX reservations_overdue ON reservations (expires_at) WHERE status = 'active';
