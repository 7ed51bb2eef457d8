DROP INDEX products_listed;
