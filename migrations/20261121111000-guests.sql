-- Guests, who buy without an account; and users who are gone and whose orders stay.

ALTER TABLE users ADD COLUMN deleted_at timestamptz;
ALTER TABLE users ADD CONSTRAINT users_guest_cannot_log_in
  CHECK (role <> 'guest' OR (email IS NULL AND password_hash IS NULL));

-- A deleted user's e-mail may register again.
DROP INDEX users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (email) WHERE deleted_at IS NULL;

-- For the removal of guests who have not returned, and for whoever asks which admins are left.
CREATE INDEX users_guests ON users (created_at) WHERE role = 'guest';
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND deleted_at IS NULL;

-- All claims of one caller begin alike: compared byte by byte they are one range of the primary key.
ALTER TABLE idempotency_keys ALTER COLUMN scope TYPE text COLLATE "C";
