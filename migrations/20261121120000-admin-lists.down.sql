DROP INDEX orders_by_total, orders_created_at, payments_settled_at, refunds_given_back, users_by_email, users_by_name, users_email_beginnings, products_watched,
  webhook_deliveries_troubled;
