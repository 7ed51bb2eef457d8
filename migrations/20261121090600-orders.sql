CREATE TABLE orders (
  id                          uuid PRIMARY KEY,
  user_id                     integer NOT NULL REFERENCES users (id),
  status                      text NOT NULL CHECK (status IN
                                ('pending', 'paid', 'shipped', 'delivered', 'failed', 'expired', 'cancelled')),
  payment_status              text NOT NULL CHECK (payment_status IN
                                ('unpaid', 'processing', 'paid', 'partially_refunded', 'refunded', 'failed')),
  payment_method              text NOT NULL,
  currency                    char(3) NOT NULL,
  items_price_minor           bigint NOT NULL CHECK (items_price_minor > 0),
  discount_code               text,
  discount_price_minor        bigint NOT NULL DEFAULT 0 CHECK (discount_price_minor >= 0),
  redeemed_points             bigint NOT NULL DEFAULT 0 CHECK (redeemed_points >= 0),
  points_discount_price_minor bigint NOT NULL DEFAULT 0 CHECK (points_discount_price_minor >= 0),
  shipping_price_minor        bigint NOT NULL DEFAULT 0 CHECK (shipping_price_minor >= 0),
  total_price_minor           bigint NOT NULL CHECK (total_price_minor >= 0 AND total_price_minor <= 9007199254740991),
  shipping_address            jsonb,
  note                        text,
  -- The cart, and which of its rounds, that this order buys; null for an order without a cart.
  cart_id                     uuid,
  cart_round                  integer,
  created_at                  timestamptz NOT NULL DEFAULT now(),
  updated_at                  timestamptz NOT NULL DEFAULT now(),
  CHECK (total_price_minor = items_price_minor - discount_price_minor - points_discount_price_minor + shipping_price_minor),
  CHECK ((cart_id IS NULL) = (cart_round IS NULL))
);

-- Two checkouts of one cart buy it once, whoever runs them. An order that came to nothing gives the round back.
CREATE UNIQUE INDEX orders_cart_once ON orders (cart_id, cart_round) WHERE status NOT IN ('failed', 'expired', 'cancelled');
CREATE INDEX orders_user ON orders (user_id, id);
CREATE INDEX orders_pending ON orders (id) WHERE status = 'pending';

CREATE TABLE order_lines (
  order_id       uuid NOT NULL REFERENCES orders (id),
  product_id     integer NOT NULL REFERENCES products (id),
  position       integer NOT NULL,
  sku            text NOT NULL,
  product_name   text NOT NULL,
  quantity       integer NOT NULL CHECK (quantity > 0),
  price_minor    bigint NOT NULL CHECK (price_minor > 0),
  subtotal_minor bigint NOT NULL CHECK (subtotal_minor = price_minor * quantity),
  PRIMARY KEY (order_id, product_id)
);

CREATE INDEX order_lines_product ON order_lines (product_id);

CREATE TABLE order_history (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id uuid NOT NULL REFERENCES orders (id),
  status   text NOT NULL,
  reason   text,
  at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX order_history_order ON order_history (order_id, id);

ALTER TABLE reservations ADD CONSTRAINT reservations_order FOREIGN KEY (order_id) REFERENCES orders (id);
