-- Who shares this database, and what clients have asked to be done only once.

CREATE TABLE instances (
  id         uuid PRIMARY KEY,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE idempotency_keys (
  scope       text PRIMARY KEY CHECK (length(scope) <= 1000),
  body_hash   bytea NOT NULL CHECK (length(body_hash) = 32),
  status      smallint CHECK (status BETWEEN 200 AND 299),
  -- Text, not jsonb: a replay is the same body to the byte.
  response    text,
  resource_id uuid,
  instance_id uuid,
  busy_until  timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  CHECK ((status IS NULL) = (response IS NULL)),
  CHECK ((status IS NULL) = (finished_at IS NULL))
);

CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
