DROP TRIGGER products_terms_of_renamed ON products;
DROP TRIGGER products_terms_of_new ON products;
DROP FUNCTION note_terms_of_renamed();
DROP FUNCTION note_terms_of_new();
DROP FUNCTION terms_of_name(tsvector);
DROP TABLE product_terms;
