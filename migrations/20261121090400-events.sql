-- The outbox: an event is a row in the transaction of its change.
CREATE TABLE events (
  id         uuid PRIMARY KEY,
  type       text NOT NULL,
  data       jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX events_created_at ON events (created_at);
