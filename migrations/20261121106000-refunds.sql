-- Money that goes back. A refund and its exact parameters are committed before the provider is called.
CREATE TABLE refunds (
  id                 uuid PRIMARY KEY,
  order_id           uuid NOT NULL REFERENCES orders (id),
  payment_id         uuid NOT NULL REFERENCES payments (id),
  number             integer NOT NULL CHECK (number > 0),
  status             text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'unknown')),
  -- Why: an admin's wish, a cancelled order, or money that came too late to buy anything.
  cause              text NOT NULL CHECK (cause IN ('admin', 'cancelled', 'late')),
  reason             text,
  amount_minor       bigint NOT NULL CHECK (amount_minor > 0),
  currency           char(3) NOT NULL,
  provider           text NOT NULL,
  provider_refund_id text,
  idempotency_key    text NOT NULL UNIQUE CHECK (length(idempotency_key) <= 64),
  request            jsonb NOT NULL,
  failure_code       text,
  failure_reason     text,
  instance_id        uuid,
  busy_until         timestamptz,
  next_check_at      timestamptz NOT NULL,
  checks             integer NOT NULL DEFAULT 0,
  created_at         timestamptz NOT NULL DEFAULT now(),
  settled_at         timestamptz,
  UNIQUE (order_id, number),
  CHECK ((status IN ('succeeded', 'failed')) = (settled_at IS NOT NULL))
);
CREATE UNIQUE INDEX refunds_provider_refund ON refunds (provider, provider_refund_id) WHERE provider_refund_id IS NOT NULL;
CREATE INDEX refunds_payment ON refunds (payment_id);
CREATE INDEX refunds_unsettled ON refunds (next_check_at) WHERE status IN ('pending', 'unknown');
-- What a provider has refused: of what nobody may keep it is tried again.
CREATE INDEX refunds_refused ON refunds (settled_at) WHERE status = 'failed';

-- What is promised to be given back and what has been: together never more than was captured, whoever asks at once.
ALTER TABLE payments ADD COLUMN refunding_minor bigint NOT NULL DEFAULT 0 CHECK (refunding_minor >= 0);
ALTER TABLE payments ADD CONSTRAINT payments_refunds CHECK (refunded_minor + refunding_minor <= amount_minor);

-- What is worth telling of an order and is no step of its life: its status stays.
ALTER TABLE order_history ADD COLUMN is_note boolean NOT NULL DEFAULT false;
