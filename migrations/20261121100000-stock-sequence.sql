-- Counts the changes of a product's stock, so that whoever hears of them out of order can tell the older from the newer.
ALTER TABLE products ADD COLUMN stock_sequence bigint NOT NULL DEFAULT 0;
