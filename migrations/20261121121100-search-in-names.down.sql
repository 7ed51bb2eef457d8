DROP INDEX products_search_names;
