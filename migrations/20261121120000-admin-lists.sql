-- For the lists of the back office: an index behind each order in which one can be read.
CREATE INDEX orders_by_total ON orders (total_price_minor, id);

-- What was placed, and when, is asked for by days. Rows stand nearly in the order of their time, so a summary of each range
-- of blocks is enough, and costs a placement next to nothing.
CREATE INDEX orders_created_at ON orders USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);
-- Money by the day on which it moved, likewise; what is refunded is little.
CREATE INDEX payments_settled_at ON payments USING brin (settled_at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX refunds_given_back ON refunds (settled_at) WHERE status = 'succeeded';

-- Guests, who have neither e-mail nor name, come last.
CREATE INDEX users_by_email ON users (((email IS NULL)::integer), coalesce(email, ''), id) WHERE deleted_at IS NULL;
CREATE INDEX users_by_name ON users (((email IS NULL)::integer), name, id) WHERE deleted_at IS NULL;
-- For whoever looks for an order by the beginning of its buyer's e-mail, also when that one is gone.
CREATE INDEX users_email_beginnings ON users (email text_pattern_ops) WHERE email IS NOT NULL;

-- Few products have a threshold, and only those can be low. It says nothing of the stock: sales leave it alone.
CREATE INDEX products_watched ON products (id) WHERE low_stock_threshold > 0 AND deleted_at IS NULL;

-- What has not arrived, of one endpoint: to be found among the many that have.
CREATE INDEX webhook_deliveries_troubled ON webhook_deliveries (endpoint_id, status, id) WHERE status <> 'delivered';
