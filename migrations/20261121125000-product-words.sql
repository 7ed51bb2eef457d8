-- The words that names are made of, for typing errors: however many products there are, a language has so many words. None
-- with a digit: there would be as many as products, and what is nearly a number is another one. A word stays when the
-- last product with it goes: who is led to it finds nothing. It is not unique, so that nobody waits for anybody else who
-- writes the same new word: both write it, once.
CREATE TABLE product_words (word text NOT NULL);
CREATE INDEX product_words_word ON product_words (word);

CREATE FUNCTION words_of_name(name text) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
  SELECT word FROM unnest(tsvector_to_array(to_tsvector('simple', name))) word
  WHERE word !~ '[0-9]' AND length(word) BETWEEN 3 AND 40
$$;

CREATE FUNCTION note_words_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO product_words SELECT DISTINCT w.word FROM made CROSS JOIN words_of_name(made.name) w (word)
  WHERE NOT EXISTS (SELECT FROM product_words k WHERE k.word = w.word);
  RETURN NULL;
END $$;

CREATE FUNCTION note_words_of_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO product_words SELECT w.word FROM words_of_name(NEW.name) w (word)
  WHERE NOT EXISTS (SELECT FROM product_words k WHERE k.word = w.word);
  RETURN NULL;
END $$;

-- A sale changes the stock alone, and comes by neither of them.
CREATE TRIGGER products_words_of_new AFTER INSERT ON products REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION note_words_of_new();
CREATE TRIGGER products_words_of_renamed AFTER UPDATE OF name ON products
  FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION note_words_of_renamed();

INSERT INTO product_words SELECT DISTINCT w.word FROM products p CROSS JOIN words_of_name(p.name) w (word);

-- Instances of the version before ask for it until they are replaced: for them nothing looks alike any more.
CREATE OR REPLACE FUNCTION product_lookalikes(wanted text) RETURNS TABLE (id integer, likeness real) LANGUAGE sql STABLE AS $$
  SELECT NULL::integer, NULL::real WHERE false
$$;
DROP INDEX IF EXISTS products_name_trigrams;

-- The words that share most with the wanted one. Where pg_trgm is not there, there are none.
DO $migration$
DECLARE
  home text;
BEGIN
  SELECT quote_ident(n.nspname) INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_trgm';
  IF home IS NULL THEN
    CREATE FUNCTION product_words_like(wanted text) RETURNS TABLE (word text) LANGUAGE sql STABLE AS $$
      SELECT NULL::text WHERE false
    $$;
  ELSE
    EXECUTE format('CREATE INDEX product_words_trigrams ON product_words USING gin (word %s.gin_trgm_ops)', home);
    -- 0.3 still finds a word of five letters of which two have changed places. The index goes by the setting, so it stands
    -- with the function.
    EXECUTE format($function$
      CREATE FUNCTION product_words_like(wanted text) RETURNS TABLE (word text) LANGUAGE sql STABLE
      SET pg_trgm.word_similarity_threshold = 0.3 AS $$
        SELECT k.word FROM product_words k WHERE wanted OPERATOR(%1$s.<%%) k.word GROUP BY k.word
        ORDER BY %1$s.word_similarity(wanted, k.word) DESC, %1$s.similarity(wanted, k.word) DESC, k.word LIMIT 1000
      $$
    $function$, home);
  END IF;
END $migration$;
