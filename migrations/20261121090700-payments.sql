CREATE TABLE payments (
  id                  uuid PRIMARY KEY,
  order_id            uuid NOT NULL REFERENCES orders (id),
  attempt             integer NOT NULL CHECK (attempt > 0),
  status              text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'unknown')),
  amount_minor        bigint NOT NULL CHECK (amount_minor >= 0),
  refunded_minor      bigint NOT NULL DEFAULT 0,
  currency            char(3) NOT NULL,
  provider            text NOT NULL,
  provider_payment_id text,
  idempotency_key     text NOT NULL UNIQUE CHECK (length(idempotency_key) <= 64),
  -- The exact parameters of the call, committed before it and sent again unchanged.
  request             jsonb NOT NULL,
  confirmation_url    text,
  failure_code        text,
  failure_reason      text,
  -- A checkout's order ends with a decline; an order that is paid by itself stays payable.
  decline_ends_order  boolean NOT NULL DEFAULT false,
  -- Who is calling the provider now, and until when at the latest.
  instance_id         uuid,
  busy_until          timestamptz,
  next_check_at       timestamptz NOT NULL,
  checks              integer NOT NULL DEFAULT 0,
  created_at          timestamptz NOT NULL DEFAULT now(),
  settled_at          timestamptz,
  UNIQUE (order_id, attempt),
  CHECK (refunded_minor BETWEEN 0 AND amount_minor),
  CHECK ((status IN ('succeeded', 'failed')) = (settled_at IS NOT NULL))
);

-- One order has at most one payment that is live or captured, whatever is retried, by whom.
CREATE UNIQUE INDEX payments_one_live ON payments (order_id) WHERE status IN ('pending', 'unknown', 'succeeded');
CREATE UNIQUE INDEX payments_provider_payment ON payments (provider, provider_payment_id)
  WHERE provider_payment_id IS NOT NULL AND provider <> 'manual';
CREATE INDEX payments_unsettled ON payments (next_check_at) WHERE status IN ('pending', 'unknown');
