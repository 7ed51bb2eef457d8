ALTER TABLE order_history DROP COLUMN is_note;
ALTER TABLE payments DROP CONSTRAINT payments_refunds;
ALTER TABLE payments DROP COLUMN refunding_minor;
DROP TABLE refunds;
