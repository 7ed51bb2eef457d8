-- The trace that has written an event (W3C Trace Context), so that whoever acts on it goes on with that trace. Null when it was
-- not recorded, as it is where nothing is traced.
ALTER TABLE events ADD COLUMN traceparent text;
-- NOT VALID: what is there has none, and need not be read under a lock to find that out.
ALTER TABLE events ADD CONSTRAINT events_traceparent_check CHECK (length(traceparent) = 55) NOT VALID;
