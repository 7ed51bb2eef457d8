DROP TABLE idempotency_keys, instances;
