DROP TABLE reservations, stock_movements;
