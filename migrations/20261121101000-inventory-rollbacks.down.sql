DROP INDEX stock_movements_created_at;
DROP INDEX stock_movements_by_hand;
DROP TABLE inventory_rollbacks;
