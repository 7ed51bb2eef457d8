-- From the outbox to the consumers.

-- Events that the relay has yet to hand on. A table of its own, not a column of `events`: that one stays append-only, so
-- handing on rewrites no event and no index of months of them, and vacuum has a small table to keep small. It is state, not
-- a position: an event that commits late is seen whenever it commits.
-- No foreign key: one statement writes both rows, and the check would cost every placement a trigger per event.
CREATE TABLE events_undispatched (
  event_id uuid PRIMARY KEY,
  type     text NOT NULL
);
-- Every row lives for a moment. Without this the relay would read past the remains of millions that are gone.
ALTER TABLE events_undispatched SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                                     autovacuum_vacuum_insert_threshold = -1);

-- Ids are UUIDv7 and sort by time, so the primary key finds the old ones; the hot insert is spared an index.
DROP INDEX events_created_at;

-- What a consumer has acted on, written in the transaction of its effect: a repeat finds its row and does nothing.
CREATE TABLE event_processing_log (
  event_id     uuid NOT NULL,
  consumer     text NOT NULL,
  processed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (event_id, consumer)
);

-- Events that a consumer could not act on, however often it was tried.
CREATE TABLE dead_letters (
  id          uuid PRIMARY KEY,
  -- The job that was given up: reported twice, it is still one letter.
  job_id      uuid NOT NULL,
  event_id    uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  consumer    text NOT NULL CHECK (length(consumer) <= 40),
  error       text NOT NULL CHECK (length(error) <= 2000),
  attempts    integer NOT NULL CHECK (attempts > 0),
  failed_at   timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  resolution  text CHECK (resolution IN ('retried', 'discarded')),
  CHECK ((resolved_at IS NULL) = (resolution IS NULL)),
  CONSTRAINT dead_letters_once UNIQUE (event_id, job_id)
);
CREATE INDEX dead_letters_open ON dead_letters (id) WHERE resolved_at IS NULL;

-- The newest stock that inventory has heard of, per product.
CREATE TABLE stock_watch (
  product_id      integer PRIMARY KEY REFERENCES products (id),
  sequence        bigint NOT NULL CHECK (sequence > 0),
  stock           integer NOT NULL CHECK (stock >= 0),
  -- The change with which the stock came to or below its threshold; null while it is above.
  low_at_sequence bigint CHECK (low_at_sequence <= sequence),
  updated_at      timestamptz NOT NULL DEFAULT now()
);
