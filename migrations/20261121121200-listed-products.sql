-- What everybody sees, for walking through it and counting it.
CREATE INDEX products_listed ON products (id) WHERE deleted_at IS NULL AND parent_id IS NULL AND active;
