DROP TABLE order_returns;
ALTER TABLE orders DROP COLUMN tracking_number;
