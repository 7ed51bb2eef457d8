DROP INDEX products_watched;
