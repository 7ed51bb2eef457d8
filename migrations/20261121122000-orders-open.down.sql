CREATE INDEX orders_pending ON orders (id) WHERE status = 'pending';
DROP INDEX orders_open;
