DROP TABLE points_entries, points_accounts;
