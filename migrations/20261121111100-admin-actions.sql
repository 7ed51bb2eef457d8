-- Who has changed what by hand: written in the transaction of the change, and never again.
CREATE TABLE admin_actions (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  -- No foreign keys: what somebody has done stays true when they, or their key, are gone. Neither: the service itself.
  user_id    integer,
  api_key_id integer,
  action     text NOT NULL CHECK (length(action) BETWEEN 1 AND 100),
  entity     text NOT NULL CHECK (length(entity) BETWEEN 1 AND 40),
  entity_id  text NOT NULL CHECK (length(entity_id) BETWEEN 1 AND 100),
  before     jsonb,
  after      jsonb,
  request_id text,
  CHECK (num_nonnulls(user_id, api_key_id) <= 1)
);

CREATE INDEX admin_actions_entity ON admin_actions (entity, entity_id, id);
CREATE INDEX admin_actions_user ON admin_actions (user_id, id);

CREATE FUNCTION admin_actions_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'admin_actions is only ever added to';
END $$;

CREATE TRIGGER admin_actions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_actions
  FOR EACH STATEMENT EXECUTE FUNCTION admin_actions_refuse();
