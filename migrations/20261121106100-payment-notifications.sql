-- What the payment providers have told us: each once, in the transaction of its effect.
CREATE TABLE payment_notifications (
  provider    text NOT NULL,
  event_id    text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 255),
  type        text NOT NULL,
  order_id    uuid REFERENCES orders (id),
  received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (provider, event_id)
);
CREATE INDEX payment_notifications_received ON payment_notifications (received_at);
