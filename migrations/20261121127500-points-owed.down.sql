-- What is owed is forgotten: of the newest orders first, so much less was taken back.
UPDATE points_entries t SET delta = t.delta + least(k.points, k.owed - k.before)
FROM (SELECT e.id, a.owed, -e.delta AS points,
             sum(-e.delta) OVER (PARTITION BY e.user_id ORDER BY e.id DESC) + e.delta AS before
      FROM points_entries e JOIN points_accounts a USING (user_id) WHERE e.kind = 'taken_back' AND a.owed > 0) k
WHERE t.id = k.id AND k.before < k.owed;

ALTER TABLE points_accounts DROP COLUMN owed;
