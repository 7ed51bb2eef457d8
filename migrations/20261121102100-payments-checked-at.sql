-- When the provider was last heard of an attempt: one whose order has run out of time since is asked about at once.
ALTER TABLE payments ADD COLUMN checked_at timestamptz;
