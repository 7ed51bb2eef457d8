-- Who wants to hear of what, and what became of telling them.
CREATE TABLE webhook_endpoints (
  id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  url        text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2000),
  -- Types of events, or `*` alone for all.
  events     text[] NOT NULL CHECK (cardinality(events) > 0),
  -- In clear: every delivery is signed with it.
  secret     text NOT NULL CHECK (secret ~ '^whsec_'),
  active     boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE webhook_deliveries (
  id              uuid PRIMARY KEY,
  endpoint_id     integer NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
  event_id        uuid NOT NULL,
  type            text NOT NULL,
  -- What is sent, to the byte: a resend is the same, also when the event itself is long gone.
  body            text NOT NULL,
  status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
  -- Goes up with every resend: a job of an earlier round has nothing to do any more.
  round           integer NOT NULL DEFAULT 1 CHECK (round > 0),
  attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  -- Of the newest attempt; both null before the first.
  response_status integer,
  error           text CHECK (length(error) <= 500),
  created_at      timestamptz NOT NULL DEFAULT now(),
  attempted_at    timestamptz,
  delivered_at    timestamptz,
  CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
  -- However often an event is handed on, an endpoint has one delivery of it.
  CONSTRAINT webhook_deliveries_once UNIQUE (endpoint_id, event_id)
);
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (event_id) WHERE status = 'failed';
