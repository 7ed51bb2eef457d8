DROP TABLE admin_actions;
DROP FUNCTION admin_actions_refuse();
