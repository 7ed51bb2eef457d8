-- Holds that other systems ask for: they may be extended, and need not name a payment method.
ALTER TABLE reservations
  -- By how much it has been extended in all: never by more than its first time.
  ADD COLUMN extended_seconds integer NOT NULL DEFAULT 0,
  ADD CONSTRAINT reservations_extension_bounds CHECK (extended_seconds BETWEEN 0 AND ttl_seconds),
  ALTER COLUMN payment_method DROP NOT NULL;

-- With the id, so that the sweep can page past holds that cannot be ended.
DROP INDEX reservations_overdue;
CREATE INDEX reservations_overdue ON reservations (expires_at, id) WHERE status = 'active';

-- All that is overdue, by that index. Left to itself the planner reads the whole table: most rows are past their time, and it
-- cannot know that hardly any of those are still active. This is asked whenever something is sold out.
CREATE FUNCTION overdue_reservations() RETURNS SETOF reservations LANGUAGE sql STABLE ROWS 100 SET enable_seqscan = off
AS $$ SELECT * FROM reservations WHERE status = 'active' AND expires_at <= now() $$;
