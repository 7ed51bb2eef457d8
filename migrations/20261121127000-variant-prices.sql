-- For lists by price that bound it: a product stands in the order of its own price, and is let through by those of its variants.
-- Both stand in one index here, so that a page is read in its order, without looking at every variant between the bounds.
CREATE TABLE variant_prices (
  variant_id integer PRIMARY KEY REFERENCES products ON DELETE CASCADE,
  product_id integer NOT NULL REFERENCES products ON DELETE CASCADE,
  product_price_minor bigint NOT NULL,
  price_minor bigint NOT NULL
);

-- The product is locked, so that its price does not change while the variant is made.
CREATE FUNCTION note_prices_of_new_variants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO variant_prices
  SELECT made.id, p.id, p.price_minor, made.price_minor FROM made JOIN products p ON p.id = made.parent_id
  ORDER BY p.id FOR SHARE OF p;
  RETURN NULL;
END $$;

CREATE FUNCTION note_changed_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.parent_id IS NULL THEN
    -- In the order in which prices of variants are changed together.
    PERFORM FROM variant_prices WHERE variant_id IN (SELECT id FROM products WHERE parent_id = NEW.id)
    ORDER BY variant_id FOR NO KEY UPDATE;
    UPDATE variant_prices SET product_price_minor = NEW.price_minor
    WHERE variant_id IN (SELECT id FROM products WHERE parent_id = NEW.id);
  ELSE
    UPDATE variant_prices SET price_minor = NEW.price_minor WHERE variant_id = NEW.id;
  END IF;
  RETURN NULL;
END $$;

-- A sale changes the stock alone, and comes by neither of them. Whether a variant is shown is asked of it.
CREATE TRIGGER products_prices_of_new_variants AFTER INSERT ON products REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION note_prices_of_new_variants();
CREATE TRIGGER products_changed_price AFTER UPDATE OF price_minor ON products
  FOR EACH ROW WHEN (OLD.price_minor <> NEW.price_minor) EXECUTE FUNCTION note_changed_price();

INSERT INTO variant_prices
SELECT v.id, p.id, p.price_minor, v.price_minor FROM products v JOIN products p ON p.id = v.parent_id;

CREATE INDEX variant_prices_in_order ON variant_prices (product_price_minor, product_id) INCLUDE (price_minor, variant_id);
CREATE INDEX variant_prices_by_price ON variant_prices (price_minor) INCLUDE (product_id);
DROP INDEX products_variants_by_price;
