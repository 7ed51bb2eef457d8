ALTER TABLE orders ADD COLUMN tracking_number text CHECK (length(tracking_number) BETWEEN 1 AND 100);

-- Goods that customers have sent back, sellable again or not. Never more than was sold: summed under the order's lock.
CREATE TABLE order_returns (
  order_id   uuid NOT NULL REFERENCES orders (id),
  number     integer NOT NULL CHECK (number > 0),
  product_id integer NOT NULL,
  sellable   boolean NOT NULL,
  quantity   integer NOT NULL CHECK (quantity > 0),
  reason     text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (order_id, number, product_id, sellable),
  FOREIGN KEY (order_id, product_id) REFERENCES order_lines (order_id, product_id)
);
