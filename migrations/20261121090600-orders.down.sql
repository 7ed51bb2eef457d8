ALTER TABLE reservations DROP CONSTRAINT reservations_order;
DROP TABLE order_history, order_lines, orders;
