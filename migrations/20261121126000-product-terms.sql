-- Which products have a word in their name, the words of their variants among them, in the order of their ids. The index of
-- names finds all that have some words before it shows the first; here two common words are followed from the beginning until a
-- page is full. It only leads to products: whether one really has the words, and may be shown, is asked of it. So an entry stays
-- when a name changes, and needs no foreign key.
CREATE TABLE product_terms (
  term text COLLATE "C" NOT NULL,
  product_id integer NOT NULL,
  PRIMARY KEY (term, product_id)
);

CREATE FUNCTION terms_of_name(search tsvector) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT unnest(tsvector_to_array(ts_filter(search, '{a}')))
$$;

-- Always in one order: who writes variants of the same products at the same time does not wait crosswise within a statement.
-- Between several statements of a transaction that may be; then Postgres undoes one of them, and it is done again.
CREATE FUNCTION note_terms_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO product_terms SELECT DISTINCT t.term, coalesce(made.parent_id, made.id)
  FROM made CROSS JOIN terms_of_name(made.search) t (term) ORDER BY 1, 2
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION note_terms_of_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO product_terms SELECT t.term, coalesce(NEW.parent_id, NEW.id) FROM terms_of_name(NEW.search) t (term) ORDER BY 1
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

-- A sale changes the stock alone, and comes by neither of them.
CREATE TRIGGER products_terms_of_new AFTER INSERT ON products REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION note_terms_of_new();
CREATE TRIGGER products_terms_of_renamed AFTER UPDATE OF name ON products
  FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION note_terms_of_renamed();

INSERT INTO product_terms SELECT DISTINCT t.term, coalesce(p.parent_id, p.id)
FROM products p CROSS JOIN terms_of_name(p.search) t (term) ORDER BY 1, 2;
