-- One cart a user. A cart without lines is no cart: its row goes with the last line.
CREATE TABLE carts (
  user_id    integer PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  id         uuid NOT NULL UNIQUE,
  -- How many checkouts this cart has come through. An order bought round N, and each round is bought once.
  round      integer NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE cart_lines (
  user_id    integer NOT NULL REFERENCES carts (user_id) ON DELETE CASCADE,
  product_id integer NOT NULL REFERENCES products (id),
  quantity   integer NOT NULL,
  added_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, product_id),
  CONSTRAINT cart_lines_quantity_bounds CHECK (quantity BETWEEN 1 AND 99)
);

CREATE INDEX cart_lines_product ON cart_lines (product_id);
