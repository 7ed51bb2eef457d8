CREATE INDEX products_variants_by_price ON products (price_minor) WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
DROP TRIGGER products_changed_price ON products;
DROP TRIGGER products_prices_of_new_variants ON products;
DROP FUNCTION note_changed_price();
DROP FUNCTION note_prices_of_new_variants();
DROP TABLE variant_prices;
