/** A product as it is read: the price in minor units, times as the database's clock gave them. */
export interface ProductRow {
  id: number;
  sku: string;
  name: string;
  description: string;
  price_minor: number;
  image_url: string | null;
  category: string | null;
  storefront_id: number | null;
  parent_id: number | null;
  /** What can be sold now, goods of overdue holds among it. */
  stock: number;
  low_stock_threshold: number;
  active: boolean;
  version: number;
  created_at: Date;
  updated_at: Date;
}

/** A product whose row is locked until the transaction ends: what is said here stays true until then. */
export interface LockedProduct {
  id: number;
  sku: string;
  name: string;
  price_minor: number;
  /** What can be sold now. */
  stock: number;
  /** Active and not deleted. Says nothing about stock. */
  sellable: boolean;
  /** Sold only through its variants, never itself. */
  has_variants: boolean;
}

/** How many pieces a product gains (positive) or loses (negative). */
export interface StockChange {
  product_id: number;
  delta: number;
}

export interface StockAfter {
  product_id: number;
  stock_after: number;
  /** Rises with every change of this product's stock. */
  sequence: number;
}

/** SQL: the product with this alias may be sold, stock aside. For other modules' reads, so that the rule stands once. */
export const isSellable = (product: string) => `(${product}.active AND ${product}.deleted_at IS NULL)`;

/** SQL: the product with this alias is sold only through its variants. */
export const hasVariants = (product: string) =>
  `EXISTS (SELECT FROM products v WHERE v.parent_id = ${product}.id AND v.deleted_at IS NULL)`;

/** SQL: begins a statement that asks for `freeStock`. What overdue holds keep is read once, and is nothing most of the time. */
export const WITH_OVERDUE_GOODS =
  'WITH overdue AS MATERIALIZED (SELECT product_id, quantity FROM overdue_goods())';

/**
 * SQL: how much of the product with this alias can be sold now: what is in stock, and what overdue holds keep of it, which who
 * needs it gets. Whoever locks the product goes by `stock` alone.
 */
export const freeStock = (product: string) =>
  `(${product}.stock + coalesce((SELECT o.quantity FROM overdue o WHERE o.product_id = ${product}.id), 0))`;

/** A product that is about to be made. */
export interface NewProduct {
  sku: string;
  name: string;
  description: string;
  price_minor: number;
  category: string | null;
  image_url: string | null;
  low_stock_threshold: number;
  active: boolean;
  /** What is there at the start; the ledger counts from here. */
  stock: number;
}

/** What a change of a product sets. A member that is missing stays as it is. */
export type ProductChange = Partial<Omit<NewProduct, 'stock'>>;

export interface ProductFilter {
  category?: string;
  min_price_minor?: number;
  max_price_minor?: number;
  in_stock?: boolean;
  /** Admins see what is not on sale. */
  with_inactive: boolean;
}

export type ProductSort = 'id' | 'name' | 'price' | '-price' | 'newest';
