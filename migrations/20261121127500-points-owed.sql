-- Points that an order had earned and that were spent before it came to nothing are owed: whatever comes in settles them first.

-- Entries add up to the balance less what is owed. Who owes has nothing, and who has something owes nothing.
ALTER TABLE points_accounts
  ADD COLUMN owed bigint NOT NULL DEFAULT 0 CHECK (owed >= 0),
  ADD CONSTRAINT points_accounts_owed_first CHECK (balance = 0 OR owed = 0);

-- An order took back no more than there was, and forgot the rest. It takes back all that it had earned, once and for all.
WITH forgotten AS (
  SELECT t.id, t.user_id, e.delta + t.delta AS points
  FROM points_entries t JOIN points_entries e ON e.order_id = t.order_id AND e.kind = 'earned'
  WHERE t.kind = 'taken_back' AND e.delta + t.delta > 0
), booked AS (
  UPDATE points_entries t SET delta = t.delta - f.points FROM forgotten f WHERE t.id = f.id
)
UPDATE points_accounts a SET balance = greatest(a.balance - f.points, 0), owed = greatest(f.points - a.balance, 0)
FROM (SELECT user_id, sum(points) AS points FROM forgotten GROUP BY user_id) f WHERE a.user_id = f.user_id;
