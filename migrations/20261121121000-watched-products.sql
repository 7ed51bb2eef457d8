-- Those whose stock somebody wants to be warned of, which are few. It does not look at the stock: a sale still updates the row in
-- place.
CREATE INDEX products_watched ON products (id) WHERE low_stock_threshold > 0 AND deleted_at IS NULL;
