-- The demo catalog: exactly these five, ids 1 to 5. A catalog that already has products is left as it is.
INSERT INTO products (id, sku, name, description, price_minor, category, stock, first_count, low_stock_threshold)
SELECT d.id, d.sku, d.name, d.description, d.price_minor, d.category, d.stock, d.stock, 10
FROM (VALUES
  (1, 'LAPTOP-001',     'Laptop',     'A light 14-inch laptop with a long battery life.', 129999::bigint, 'computers',   100),
  (2, 'MOUSE-001',      'Mouse',      'A quiet wireless mouse.',                            2999::bigint, 'accessories', 500),
  (3, 'KEYBOARD-001',   'Keyboard',   'A mechanical keyboard with tactile switches.',       8999::bigint, 'accessories', 300),
  (4, 'MONITOR-001',    'Monitor',    'A 27-inch 4K monitor.',                             39999::bigint, 'displays',    150),
  (5, 'HEADPHONES-001', 'Headphones', 'Over-ear headphones with noise cancelling.',        24999::bigint, 'audio',       200)
) AS d (id, sku, name, description, price_minor, category, stock)
WHERE NOT EXISTS (SELECT FROM products);

SELECT setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products));
