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
  /** What can be sold now, goods of overdue holds among it. Of a product that has variants, the sum of theirs. */
  stock: number;
  low_stock_threshold: number;
  active: boolean;
  /** Shown to everybody and sold, stock aside: active, and so is what it is a variant of. */
  on_sale: boolean;
  version: number;
  /** How often it was looked at, a second ago. */
  views: number;
  created_at: Date;
  updated_at: Date;
  /** How far it is from what was looked for, as a number to sort by; only in a list by relevance. */
  distance?: number;
}

/** A product with its variants, by id, those that are not active among them. */
export interface Family {
  product: ProductRow;
  variants: ProductRow[];
}

/** A product whose row is locked until the transaction ends: what is said here stays true until then. */
export interface LockedProduct {
  id: number;
  sku: string;
  name: string;
  price_minor: number;
  /** What can be sold now. */
  stock: number;
  /** Active, not deleted, and so is what it is a variant of. Says nothing about stock. */
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

/**
 * SQL: the product with this alias may be sold, stock aside. For other modules' reads, so that the rule stands once. Variants
 * are deleted with their parent, so only whether it is active has to be asked of it.
 */
export const isSellable = (product: string) =>
  `(${product}.active AND ${product}.deleted_at IS NULL AND (${product}.parent_id IS NULL
    OR EXISTS (SELECT FROM products parent WHERE parent.id = ${product}.parent_id AND parent.active)))`;

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

/** What an admin says of a product, and may change. */
export interface ProductMembers {
  sku: string;
  name: string;
  description: string;
  price_minor: number;
  category: string | null;
  image_url: string | null;
  storefront_id: number | null;
  low_stock_threshold: number;
  active: boolean;
}

/** A product that is about to be made. */
export interface NewProduct extends ProductMembers {
  /** What it is a variant of. */
  parent_id: number | null;
  /** What is there at the start; the ledger counts from here. */
  stock: number;
}

/** A product that is not deleted, as it stands in its row. */
export interface StoredProduct extends ProductMembers {
  id: number;
  parent_id: number | null;
  version: number;
}

/** What a change of a product sets. A member that is missing stays as it is. */
export type ProductChange = Partial<ProductMembers>;

/** A change of a product; with a version, only of the one that has it. */
export interface VersionedChange {
  id: number;
  version: number | null;
  wish: ProductChange;
}

export interface ProductFilter {
  /** Words to be found in name, sku or description, of the product or of a variant of it. */
  q?: string;
  category?: string;
  min_price_minor?: number;
  max_price_minor?: number;
  in_stock?: boolean;
  storefront_id?: number;
  active?: boolean;
  /** Admins see what is not on sale. */
  with_inactive: boolean;
}

/** By relevance only when something is looked for: what is closest comes first. */
export type ProductSort = 'id' | 'name' | 'price' | '-price' | 'newest' | 'relevance';
