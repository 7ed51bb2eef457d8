DROP FUNCTION overdue_reservations();
DROP INDEX reservations_overdue;
CREATE INDEX reservations_overdue ON reservations (expires_at) WHERE status = 'active';
UPDATE reservations SET payment_method = 'credit_card' WHERE payment_method IS NULL;
ALTER TABLE reservations ALTER COLUMN payment_method SET NOT NULL, DROP COLUMN extended_seconds;
