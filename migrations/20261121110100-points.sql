-- What customers have earned by paying and may pay with.

-- The row that is locked. Whoever has none has no points.
CREATE TABLE points_accounts (
  user_id integer PRIMARY KEY REFERENCES users (id),
  balance bigint NOT NULL CHECK (balance >= 0)
);

-- The ledger: never updated, never deleted. An account's entries add up to its balance, always.
CREATE TABLE points_entries (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id    integer NOT NULL REFERENCES points_accounts (user_id),
  delta      bigint NOT NULL,
  kind       text NOT NULL CHECK (kind IN ('earned', 'redeemed', 'returned', 'taken_back')),
  order_id   uuid NOT NULL REFERENCES orders (id),
  -- An order that late money revives redeems once more, and may return that once more.
  round      integer NOT NULL DEFAULT 1 CHECK (round > 0),
  reason     text,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Earned points that are spent by then cannot be taken back: an entry of 0 says so, and that it was done.
  CHECK (CASE kind WHEN 'redeemed' THEN delta < 0 WHEN 'taken_back' THEN delta <= 0 ELSE delta > 0 END),
  CHECK (round = 1 OR kind IN ('redeemed', 'returned')),
  -- Whatever is retried: each happens once for an order, or once a round.
  CONSTRAINT points_entries_once UNIQUE (order_id, kind, round)
);

CREATE INDEX points_entries_user ON points_entries (user_id, id);
