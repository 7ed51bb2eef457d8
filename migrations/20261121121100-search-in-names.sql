-- The names alone, for words that so many products have that not all can be ranked: those come first that have it in the name.
CREATE INDEX products_search_names ON products USING gin (ts_filter(search, '{a}')) WHERE deleted_at IS NULL;
