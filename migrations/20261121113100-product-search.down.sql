-- The extension stays: somebody else may use it by now.
DROP FUNCTION product_lookalikes(text);
DROP INDEX IF EXISTS products_name_trigrams;
DROP INDEX products_search;
ALTER TABLE products DROP COLUMN search;
