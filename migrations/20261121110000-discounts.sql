-- Codes that take something off the price of an order, and the orders that have used them.

CREATE TABLE discounts (
  id                    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code                  text NOT NULL CHECK (code ~ '^[A-Z0-9]{3,20}$'),
  kind                  text NOT NULL CHECK (kind IN ('percentage', 'fixed')),
  -- Hundredths of a percent: what a percentage takes off is reckoned in integers, and so is exact.
  basis_points          integer CHECK (basis_points BETWEEN 1 AND 10000),
  amount_minor          bigint CHECK (amount_minor > 0),
  min_items_price_minor bigint NOT NULL DEFAULT 0 CHECK (min_items_price_minor >= 0),
  -- The start is part of the time, the end is not.
  starts_at             timestamptz,
  ends_at               timestamptz,
  usage_limit           integer CHECK (usage_limit > 0),
  per_user_limit        integer CHECK (per_user_limit > 0),
  -- The rows of discount_uses that are not returned. Changed together with them, under this row's lock.
  times_used            integer NOT NULL DEFAULT 0 CHECK (times_used >= 0),
  active                boolean NOT NULL DEFAULT true,
  created_at            timestamptz NOT NULL DEFAULT now(),
  updated_at            timestamptz NOT NULL DEFAULT now(),
  deleted_at            timestamptz,
  CHECK ((kind = 'percentage') = (basis_points IS NOT NULL)),
  CHECK ((kind = 'fixed') = (amount_minor IS NOT NULL)),
  CONSTRAINT discounts_period CHECK (ends_at > starts_at),
  CONSTRAINT discounts_usage_limit_kept CHECK (times_used <= usage_limit)
);

-- A deleted discount's code may be used again.
CREATE UNIQUE INDEX discounts_code_key ON discounts (code) WHERE deleted_at IS NULL;

-- One row for an order, whatever becomes of it: the use is there, or it is returned, and so it returns once. An order that
-- late money revives takes its use again.
CREATE TABLE discount_uses (
  order_id             uuid PRIMARY KEY REFERENCES orders (id),
  discount_id          integer NOT NULL REFERENCES discounts (id),
  user_id              integer NOT NULL REFERENCES users (id),
  discount_price_minor bigint NOT NULL CHECK (discount_price_minor >= 0),
  created_at           timestamptz NOT NULL DEFAULT now(),
  returned_at          timestamptz
);

CREATE INDEX discount_uses_of_user ON discount_uses (discount_id, user_id);
-- A guest who logs in takes their uses along; and a user who is deleted is looked for here.
CREATE INDEX discount_uses_user ON discount_uses (user_id);
