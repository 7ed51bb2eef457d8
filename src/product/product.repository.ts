import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { Keyset } from '../platform/http/page.js';
import {
  freeStock,
  hasVariants,
  isSellable,
  type LockedProduct,
  type NewProduct,
  type ProductChange,
  type ProductFilter,
  type ProductRow,
  type ProductSort,
  type StockAfter,
  type StockChange,
  WITH_OVERDUE_GOODS,
} from './product.types.js';

const columnsWith = (stock: string) =>
  `id, sku, name, description, price_minor, image_url, category, storefront_id, parent_id, ${stock} AS stock,
   low_stock_threshold, active, version, created_at, updated_at`;
const FREE = freeStock('products');
/** After `WITH_OVERDUE_GOODS`. */
const COLUMNS = columnsWith(FREE);

const find = new Statement<ProductRow>(
  'product-find',
  `${WITH_OVERDUE_GOODS} SELECT ${COLUMNS} FROM products WHERE id = $1 AND deleted_at IS NULL`,
);

// The arbiter is named: a clash on anything else than the sku is a fault and must not look like one on the sku.
const insert = new Statement<ProductRow>(
  'product-insert',
  `INSERT INTO products (sku, name, description, price_minor, category, image_url, low_stock_threshold, active, stock, first_count)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
   ON CONFLICT (coalesce(storefront_id, 0), sku) WHERE deleted_at IS NULL DO NOTHING
   RETURNING ${columnsWith('stock')}`,
);

const CHANGEABLE: Record<keyof ProductChange, string> = {
  sku: 'text',
  name: 'text',
  description: 'text',
  price_minor: 'bigint',
  category: 'text',
  image_url: 'text',
  low_stock_threshold: 'integer',
  active: 'boolean',
};
const wanted = ([column, type]: [string, string]) =>
  `CASE WHEN $3::jsonb ? '${column}' THEN ($3::jsonb ->> '${column}')::${type} ELSE ${column} END`;
const changeableColumns = Object.keys(CHANGEABLE).join(', ');
const wantedValues = Object.entries(CHANGEABLE).map(wanted).join(',\n     ');

// One statement that compares and sets. Whoever waited for the row's lock has all of it evaluated again on the row as it
// is then, so that of two changes made from one version only the first matches.
const change = new Statement<ProductRow>(
  'product-change',
  `${WITH_OVERDUE_GOODS}
   UPDATE products SET (${changeableColumns}) = ROW(
     ${wantedValues}),
     version = version + 1, updated_at = clock_timestamp()
   WHERE id = $1 AND deleted_at IS NULL AND version = coalesce($2, version)
     AND (${changeableColumns}) IS DISTINCT FROM (
     ${wantedValues})
   RETURNING ${COLUMNS}`,
);

const lock = new Statement<ProductRow>(
  'product-lock',
  `${WITH_OVERDUE_GOODS}
   SELECT ${COLUMNS} FROM products WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE OF products`,
);

const archive = new Statement<ProductRow>(
  'product-archive',
  `${WITH_OVERDUE_GOODS}
   UPDATE products SET deleted_at = now(), updated_at = now(), version = version + 1
   WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
);

const sellable = new Statement<{ id: number }>(
  'product-sellable',
  `SELECT p.id FROM products p WHERE p.id = $1 AND ${isSellable('p')} AND NOT ${hasVariants('p')}`,
);

// Lock in id order: two carts holding the same products would otherwise deadlock. LockRows stands above the sort, so the
// locks really are taken in this order. NO KEY UPDATE, because the foreign keys of order and cart lines only need KEY
// SHARE on a product: writing those lines must not wait for whoever is selling it.
const LOCK_FOR_SALE = `
  SELECT p.id, p.sku, p.name, p.price_minor, p.stock, ${isSellable('p')} AS sellable, ${hasVariants('p')} AS has_variants
  FROM products p WHERE p.id = ANY($1::int[]) ORDER BY p.id FOR NO KEY UPDATE OF p`;
const lockForSale = new Statement<LockedProduct>('product-lock-for-sale', LOCK_FOR_SALE);
const lockFree = new Statement<LockedProduct>('product-lock-free', `${LOCK_FOR_SALE} SKIP LOCKED`);

const existing = new Statement<{ id: number }>(
  'product-existing',
  'SELECT id FROM products WHERE id = ANY($1::int[])',
);

const findDeleted = new Statement<{ id: number }>(
  'product-find-deleted',
  'SELECT id FROM products WHERE id = ANY($1::int[]) AND deleted_at IS NOT NULL',
);

// Summed first: an UPDATE that finds two changes for one row would apply only one of them, silently.
const changeStock = new Statement<StockAfter>(
  'product-change-stock',
  `UPDATE products p SET stock = p.stock + c.delta, stock_sequence = p.stock_sequence + 1
   FROM (SELECT product_id, sum(delta) AS delta FROM unnest($1::int[], $2::int[]) AS u(product_id, delta)
         GROUP BY product_id) c
   WHERE p.id = c.product_id
   RETURNING p.id AS product_id, p.stock AS stock_after, p.stock_sequence AS sequence`,
);

/** The columns that a sort goes by, the last of them unique. Ids are given in the order of creation. */
const ORDERS: Record<ProductSort, { columns: (keyof ProductRow)[]; descending: boolean }> = {
  id: { columns: ['id'], descending: false },
  name: { columns: ['name', 'id'], descending: false },
  price: { columns: ['price_minor', 'id'], descending: false },
  '-price': { columns: ['price_minor', 'id'], descending: true },
  newest: { columns: ['id'], descending: true },
};

/** Puts a value aside and answers the placeholder that stands for it. */
type Bind = (value: unknown) => string;

/** All SQL of the table `products`. Deleted products are not there, except for the locks of a sale. */
@Injectable()
export class ProductRepository {
  constructor(private readonly database: DatabaseService) {}

  /** One page of top-level products in the sort's order, beginning after the place that `after` names. */
  async list(
    filter: ProductFilter,
    sort: ProductSort,
    after: Keyset | null,
    limit: number,
  ): Promise<ProductRow[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const { columns, descending } = ORDERS[sort];
    const conditions = conditionsOf(filter, bind);
    if (after) conditions.push(beyond(columns, descending, after, bind));
    const orderBy = columns.map((column) => (descending ? `${column} DESC` : column)).join(', ');
    const where = conditions.join(' AND ');
    const text = `${WITH_OVERDUE_GOODS}
      SELECT ${COLUMNS} FROM products WHERE ${where} ORDER BY ${orderBy} LIMIT ${bind(limit)}`;
    return this.database.read(unnamed<ProductRow>(text), values);
  }

  /** How many products the filter lets through. */
  async count(filter: ProductFilter): Promise<number> {
    const values: unknown[] = [];
    const conditions = conditionsOf(filter, (value) => `$${values.push(value)}`);
    const text = `${WITH_OVERDUE_GOODS}
      SELECT count(*)::int AS total FROM products WHERE ${conditions.join(' AND ')}`;
    const [row] = await this.database.read(unnamed<{ total: number }>(text), values);
    return row?.total ?? 0;
  }

  async find(id: number): Promise<ProductRow | null> {
    return this.database.readFirst(find, [id]);
  }

  /** @returns null when the sku is taken. */
  async insert(product: NewProduct, tx: Tx): Promise<ProductRow | null> {
    const { sku, name, description, price_minor, category, image_url, low_stock_threshold, active, stock } =
      product;
    const values = [
      sku,
      name,
      description,
      price_minor,
      category,
      image_url,
      low_stock_threshold,
      active,
      stock,
    ];
    return insert.first(values, tx);
  }

  /** @returns null when there is no such product, it has another version, or the change would change nothing. */
  async change(id: number, version: number | null, wish: ProductChange, tx: Tx): Promise<ProductRow | null> {
    return change.first([id, version, JSON.stringify(wish)], tx);
  }

  /** `find`, as `tx` sees it. */
  async findWithin(id: number, tx: Tx): Promise<ProductRow | null> {
    return find.first([id], tx);
  }

  /** `findWithin`, and the product stays as it is for everybody else until `tx` ends. */
  async lock(id: number, tx: Tx): Promise<ProductRow | null> {
    return lock.first([id], tx);
  }

  /** @returns the product as it is left, or null when there is none. */
  async archive(id: number, tx: Tx): Promise<ProductRow | null> {
    return archive.first([id], tx);
  }

  async isSellable(id: number, tx: Tx): Promise<boolean> {
    return (await sellable.first([id], tx)) !== null;
  }

  async lockForSale(ids: number[], tx: Tx): Promise<LockedProduct[]> {
    return lockForSale.run([ids], tx);
  }

  async findDeleted(ids: number[], tx: Tx): Promise<number[]> {
    return (await findDeleted.run([ids], tx)).map(({ id }) => id);
  }

  /** `lockForSale` without waiting: those that somebody else has locked are left out. */
  async lockFree(ids: number[], tx: Tx): Promise<LockedProduct[]> {
    return lockFree.run([ids], tx);
  }

  /** Which of these ids are products at all, locked or not. */
  async existing(ids: number[], tx: Tx): Promise<number[]> {
    return (await existing.run([ids], tx)).map(({ id }) => id);
  }

  async changeStock(changes: StockChange[], tx: Tx): Promise<StockAfter[]> {
    return changeStock.run(
      [changes.map(({ product_id }) => product_id), changes.map(({ delta }) => delta)],
      tx,
    );
  }
}

// Without a name Postgres plans it with its values at hand: the shapes are many, and which index serves a filter best
// depends on what is asked for.
const unnamed = <Row extends object>(text: string) => new Statement<Row>('', text);

/** Only fixed texts and placeholders: whatever a client has sent is bound. */
function conditionsOf(filter: ProductFilter, bind: Bind): string[] {
  const { category, min_price_minor, max_price_minor, in_stock, with_inactive } = filter;
  const conditions = ['deleted_at IS NULL', 'parent_id IS NULL'];
  if (!with_inactive) conditions.push('active');
  if (category !== undefined) conditions.push(`category = ${bind(category)}`);
  if (min_price_minor !== undefined) conditions.push(`price_minor >= ${bind(min_price_minor)}`);
  if (max_price_minor !== undefined) conditions.push(`price_minor <= ${bind(max_price_minor)}`);
  if (in_stock !== undefined) conditions.push(in_stock ? `${FREE} > 0` : `${FREE} = 0`);
  return conditions;
}

/** The rows that come after `keyset` in the order. As bigint: a made-up cursor may name an id that no integer can be. */
function beyond(columns: string[], descending: boolean, keyset: Keyset, bind: Bind): string {
  const places = keyset.map((value) => `${bind(value)}::${typeof value === 'number' ? 'bigint' : 'text'}`);
  return `(${columns.join(', ')}) ${descending ? '<' : '>'} (${places.join(', ')})`;
}
