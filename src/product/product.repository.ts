import { Injectable } from '@nestjs/common';
import { ofAnyLength } from '../platform/database/arrays.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { CatalogChanges } from './catalog-changes.js';
import {
  hasVariants,
  isSellable,
  type LockedProduct,
  type NewProduct,
  type ProductMembers,
  type StockAfter,
  type StockChange,
  type StoredProduct,
  type VersionedChange,
} from './product.types.js';

/** What a change may set, with its type. */
const CHANGEABLE: Record<keyof ProductMembers, string> = {
  sku: 'text',
  name: 'text',
  description: 'text',
  price_minor: 'bigint',
  category: 'text',
  image_url: 'text',
  storefront_id: 'integer',
  low_stock_threshold: 'integer',
  active: 'boolean',
};
const MEMBERS = Object.keys(CHANGEABLE);
const listOf = (columns: string[], product = '') =>
  columns.map((column) => (product ? `${product}.${column}` : column)).join(', ');

// The arbiter is named: a clash on anything else than the sku is a fault and must not look like one on the sku.
const NEW = { ...CHANGEABLE, parent_id: 'integer' };
const insert = new Statement<Inserted>(
  'product-insert',
  `INSERT INTO products (${listOf(Object.keys(NEW))}, stock, first_count)
   SELECT ${listOf(Object.keys(NEW))}, stock, stock FROM jsonb_to_recordset($1::jsonb)
     AS n(${Object.entries({ ...NEW, stock: 'integer' })
       .map((column) => column.join(' '))
       .join(', ')})
   ON CONFLICT (coalesce(storefront_id, 0), sku) WHERE deleted_at IS NULL DO NOTHING
   RETURNING id, storefront_id, sku`,
);

const wanted = ([column, type]: [string, string]) =>
  `CASE WHEN c.wish ? '${column}' THEN (c.wish ->> '${column}')::${type} ELSE p.${column} END`;
const wantedValues = Object.entries(CHANGEABLE).map(wanted).join(',\n     ');

// One statement that compares and sets. Whoever waited for the row's lock has all of it evaluated again on the row as it
// is then, so that of two changes made from one version only the first matches.
const change = new Statement<{ id: number }>(
  'product-change',
  `UPDATE products p SET (${listOf(MEMBERS)}) = ROW(
     ${wantedValues}),
     version = p.version + 1, updated_at = clock_timestamp()
   FROM unnest($1::int[], $2::int[], $3::jsonb[]) AS c(id, version, wish)
   WHERE p.id = c.id AND p.deleted_at IS NULL AND p.version = coalesce(c.version, p.version)
     AND (${listOf(MEMBERS, 'p')}) IS DISTINCT FROM (
     ${wantedValues})
   RETURNING p.id`,
);

const FIND = `SELECT id, ${listOf(MEMBERS)}, parent_id, version FROM products
  WHERE id = ANY($1::int[]) AND deleted_at IS NULL`;
const find = new Statement<StoredProduct>('product-find', FIND);
const lock = new Statement<StoredProduct>('product-lock', `${FIND} ORDER BY id FOR NO KEY UPDATE`);

const countVariants = new Statement<{ total: number }>(
  'product-count-variants',
  'SELECT count(*)::int AS total FROM products WHERE parent_id = $1 AND deleted_at IS NULL',
);

// By id, like every lock of products: somebody may sell two variants of one product.
const lockFamilies = new Statement<{ id: number; parent_id: number | null }>(
  'product-lock-families',
  `SELECT id, parent_id FROM products WHERE id = ANY($1::int[]) OR parent_id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE`,
);

const moveVariants = new Statement(
  'product-move-variants',
  `UPDATE products SET storefront_id = $2, version = version + 1, updated_at = clock_timestamp()
   WHERE parent_id = $1 AND deleted_at IS NULL AND storefront_id IS DISTINCT FROM $2`,
);

const archive = new Statement<{ id: number }>(
  'product-archive',
  `UPDATE products SET deleted_at = now(), updated_at = now(), version = version + 1
   WHERE (id = ANY($1::int[]) OR parent_id = ANY($1::int[])) AND deleted_at IS NULL RETURNING id`,
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
  FROM products p WHERE p.id = ANY(${ofAnyLength('$1', 'int')}) ORDER BY p.id FOR NO KEY UPDATE OF p`;
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
   FROM (SELECT product_id, sum(delta) AS delta
         FROM unnest(${ofAnyLength('$1', 'int')}, ${ofAnyLength('$2', 'int')}) AS u(product_id, delta)
         GROUP BY product_id) c
   WHERE p.id = c.product_id
   RETURNING p.id AS product_id, p.stock AS stock_after, p.stock_sequence AS sequence`,
);

/** A product that is made now: which one, and by what it is told from the others. */
export type Inserted = Pick<StoredProduct, 'id' | 'storefront_id' | 'sku'>;

/**
 * All SQL that changes or locks the table `products`. Deleted products are not there, except for the locks of a sale. Whatever
 * is changed here is noted, so that the catalog shows it as soon as it is committed.
 */
@Injectable()
export class ProductRepository {
  constructor(private readonly changes: CatalogChanges) {}

  /** In the order given. @returns those that are made: what is missing has a sku that is taken, maybe by one before it. */
  async insert(products: NewProduct[], tx: Tx): Promise<Inserted[]> {
    const inserted = await insert.run([JSON.stringify(products)], tx);
    const parents = products.flatMap(({ parent_id }) => parent_id ?? []);
    this.noteWhole([...inserted.map(({ id }) => id), ...parents], tx);
    return inserted;
  }

  /**
   * Each wish is for another product. @returns the ids of those that were changed: the others are not there, have another
   * version, or are already what was wished for.
   */
  async change(wishes: VersionedChange[], tx: Tx): Promise<number[]> {
    if (wishes.length === 0) return [];
    const changed = await change.run(
      [
        wishes.map(({ id }) => id),
        wishes.map(({ version }) => version),
        wishes.map(({ wish }) => JSON.stringify(wish)),
      ],
      tx,
    );
    const ids = changed.map(({ id }) => id);
    this.noteWhole(ids, tx);
    return ids;
  }

  async find(ids: number[], tx: Tx): Promise<StoredProduct[]> {
    return find.run([ids], tx);
  }

  /** `find`, locked until `tx` ends. */
  async lock(ids: number[], tx: Tx): Promise<StoredProduct[]> {
    return lock.run([ids], tx);
  }

  async countVariants(id: number, tx: Tx): Promise<number> {
    return (await countVariants.first([id], tx))?.total ?? 0;
  }

  /** Locks the products and their variants until `tx` ends. @returns who is whose variant. */
  async lockFamilies(ids: number[], tx: Tx): Promise<{ id: number; parent_id: number | null }[]> {
    return lockFamilies.run([ids], tx);
  }

  /** To another storefront, or to none. */
  async moveVariants(id: number, storefrontId: number | null, tx: Tx): Promise<void> {
    await moveVariants.run([id, storefrontId], tx);
    this.noteWhole([id], tx);
  }

  /** Archives the products, locked as families, with their variants. @returns the ids of all that are archived now. */
  async archive(ids: number[], tx: Tx): Promise<number[]> {
    const archived = (await archive.run([ids], tx)).map(({ id }) => id);
    this.noteWhole(archived, tx);
    return archived;
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
    const productIds = changes.map(({ product_id }) => product_id);
    const after = await changeStock.run([productIds, changes.map(({ delta }) => delta)], tx);
    this.changes.note({ productIds, kind: haveCrossedZero(changes, after) ? 'sold out' : 'stock' }, tx);
    return after;
  }

  private noteWhole(productIds: number[], tx: Tx): void {
    this.changes.note({ productIds, kind: 'whole' }, tx);
  }
}

/** Whether one of them is sold out now, or was before. */
function haveCrossedZero(changes: StockChange[], after: StockAfter[]): boolean {
  const deltas = new Map<number, number>();
  for (const { product_id, delta } of changes) deltas.set(product_id, (deltas.get(product_id) ?? 0) + delta);
  return after.some(
    ({ product_id, stock_after }) => stock_after === 0 || stock_after === deltas.get(product_id),
  );
}
