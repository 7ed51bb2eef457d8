-- For lists that are bounded by a price: of a product that has variants, theirs count.
CREATE INDEX products_variants_by_price ON products (price_minor) WHERE parent_id IS NOT NULL AND deleted_at IS NULL;
