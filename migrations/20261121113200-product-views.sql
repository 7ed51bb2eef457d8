-- How often each product was looked at. A table of its own: counting waits for nobody who sells the product, and nobody
-- waits for it.
CREATE TABLE product_views (
  product_id integer PRIMARY KEY REFERENCES products (id),
  views      bigint NOT NULL CHECK (views > 0)
);
