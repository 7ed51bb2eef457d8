DROP TABLE discount_uses, discounts;
