DROP INDEX products_by_storefront;
ALTER TABLE products DROP CONSTRAINT products_storefront_id_fkey;
UPDATE products SET storefront_id = NULL, sku = left(sku, 50) || '-' || id WHERE storefront_id IS NOT NULL;
DROP TABLE storefronts;
