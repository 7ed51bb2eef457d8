-- What `q` is looked for in: name over sku over description. Each word as it stands and, in name and description, its
-- English stem as well; a sku also by its parts, which the parser would take for numbers with a sign.
ALTER TABLE products ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS (
  setweight(to_tsvector('simple', name) || to_tsvector('english', name), 'A') ||
  setweight(to_tsvector('simple', sku) || to_tsvector('simple', regexp_replace(sku, '[^[:alnum:]]+', ' ', 'g')), 'B') ||
  setweight(to_tsvector('simple', description) || to_tsvector('english', description), 'C')
) STORED;

CREATE INDEX products_search ON products USING gin (search) WHERE deleted_at IS NULL;

-- Products whose name looks like what was looked for: for typing errors. Where the extension pg_trgm is not there, or may
-- not be created, there are none, and everything else works.
DO $migration$
DECLARE
  home text;
BEGIN
  BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
  EXCEPTION WHEN OTHERS THEN
    -- Providers refuse it in ways of their own.
    RAISE NOTICE 'no search for similar names: %', SQLERRM;
  END;
  -- Somebody may have put it into a schema of its own, which no search_path names.
  SELECT quote_ident(n.nspname) INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = 'pg_trgm';
  IF home IS NULL THEN
    CREATE FUNCTION product_lookalikes(wanted text) RETURNS TABLE (id integer, likeness real) LANGUAGE sql STABLE AS $$
      SELECT NULL::integer, NULL::real WHERE false
    $$;
  ELSE
    EXECUTE format('CREATE INDEX products_name_trigrams ON products USING gin (name %s.gin_trgm_ops) WHERE deleted_at IS NULL', home);
    -- 0.3 still finds a word of five letters of which two have changed places. The index goes by the setting, so it stands
    -- with the function.
    EXECUTE format($function$
      CREATE FUNCTION product_lookalikes(wanted text) RETURNS TABLE (id integer, likeness real) LANGUAGE sql STABLE
      SET pg_trgm.word_similarity_threshold = 0.3 AS $$
        SELECT p.id, %1$s.word_similarity(wanted, p.name) FROM products p
        WHERE wanted OPERATOR(%1$s.<%%) p.name AND p.deleted_at IS NULL
      $$
    $function$, home);
  END IF;
END $migration$;
