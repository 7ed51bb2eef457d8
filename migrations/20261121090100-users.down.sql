DROP TABLE refresh_tokens, users;
