ALTER TABLE idempotency_keys ALTER COLUMN scope TYPE text;

-- Without deleted_at they would be users again: they keep neither an e-mail of anybody's nor a password that anybody knows.
UPDATE users
SET email = 'deleted-' || id || '@deleted.invalid',
    password_hash = '$argon2id$v=19$m=19456,t=2,p=1$S7aqEyI/9z0XsON+8Lf5OQ$zxhd7BIdwbvFceT3/q071fQJsHy7hKGmlRAYf0CrrYY'
WHERE deleted_at IS NOT NULL AND role <> 'guest';

DROP INDEX users_admins;
DROP INDEX users_guests;
DROP INDEX users_email_key;
CREATE UNIQUE INDEX users_email_key ON users (email);

ALTER TABLE users DROP CONSTRAINT users_guest_cannot_log_in;
ALTER TABLE users DROP COLUMN deleted_at;
