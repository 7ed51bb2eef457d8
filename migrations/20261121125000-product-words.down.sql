DROP TRIGGER products_words_of_renamed ON products;
DROP TRIGGER products_words_of_new ON products;
DROP FUNCTION note_words_of_renamed();
DROP FUNCTION note_words_of_new();
DROP FUNCTION product_words_like(text);
DROP FUNCTION words_of_name(text);
DROP TABLE product_words;
DO $migration$
DECLARE
  home text;
BEGIN
  SELECT quote_ident(n.nspname) INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_trgm';
  IF home IS NOT NULL THEN
    EXECUTE format('CREATE INDEX products_name_trigrams ON products USING gin (name %s.gin_trgm_ops) WHERE deleted_at IS NULL', home);
    EXECUTE format($function$
      CREATE OR REPLACE FUNCTION product_lookalikes(wanted text) RETURNS TABLE (id integer, likeness real) LANGUAGE sql STABLE
      SET pg_trgm.word_similarity_threshold = 0.3 AS $$
        SELECT p.id, %1$s.word_similarity(wanted, p.name) FROM products p
        WHERE wanted OPERATOR(%1$s.<%%) p.name AND p.deleted_at IS NULL
      $$
    $function$, home);
  END IF;
END $migration$;
