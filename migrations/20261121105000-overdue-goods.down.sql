DROP FUNCTION overdue_goods();
