-- Other systems' way in. Only the hash of a key is kept: who reads the table can call as nobody.
CREATE TABLE api_keys (
  id           integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  key_hash     bytea NOT NULL UNIQUE CHECK (length(key_hash) = 32),
  -- The beginning of the key, so that people can tell which of theirs it is.
  prefix       text NOT NULL,
  scopes       text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['inventory:read', 'inventory:write']),
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz
);
