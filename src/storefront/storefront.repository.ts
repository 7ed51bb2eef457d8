import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { NewStorefront, Storefront } from './storefront.types.js';

const COLUMNS = 'id, name, description, created_at, updated_at';

const insert = new Statement<Storefront>(
  'storefront-insert',
  `INSERT INTO storefronts (name, description) VALUES ($1, $2) RETURNING ${COLUMNS}`,
);

const find = new Statement<Storefront>(
  'storefront-find',
  `SELECT ${COLUMNS} FROM storefronts WHERE id = $1 AND deleted_at IS NULL`,
);

// As bigint: a made-up cursor may name an id that no integer can be.
const list = new Statement<Storefront>(
  'storefront-list',
  `SELECT ${COLUMNS} FROM storefronts WHERE deleted_at IS NULL AND id > $1::bigint ORDER BY id LIMIT $2`,
);
const count = new Statement<{ total: number }>(
  'storefront-count',
  'SELECT count(*) AS total FROM storefronts WHERE deleted_at IS NULL',
);

const change = new Statement<Storefront>(
  'storefront-change',
  `UPDATE storefronts SET name = coalesce($2, name), description = coalesce($3, description), updated_at = now()
   WHERE id = $1 AND deleted_at IS NULL RETURNING ${COLUMNS}`,
);

// KEY SHARE: whoever puts a product into it waits for its deletion, and its deletion for them.
const keep = new Statement<{ id: number }>(
  'storefront-keep',
  'SELECT id FROM storefronts WHERE id = ANY($1::int[]) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE',
);
const lock = new Statement<Storefront>(
  'storefront-lock',
  `SELECT ${COLUMNS} FROM storefronts WHERE id = $1 AND deleted_at IS NULL FOR UPDATE`,
);

// After the lock and not in the same statement: a statement's snapshot is older than the locks that it takes.
const findProduct = new Statement<{ id: number }>(
  'storefront-find-product',
  'SELECT id FROM products WHERE storefront_id = $1 AND deleted_at IS NULL LIMIT 1',
);
const archive = new Statement(
  'storefront-archive',
  'UPDATE storefronts SET deleted_at = now() WHERE id = $1',
);

/** All SQL of the table `storefronts`. Deleted ones are not there. */
@Injectable()
export class StorefrontRepository {
  constructor(private readonly database: DatabaseService) {}

  async insert({ name, description }: NewStorefront, tx: Tx): Promise<Storefront> {
    return (await insert.first([name, description], tx)) as Storefront;
  }

  async find(id: number): Promise<Storefront | null> {
    return this.database.readFirst(find, [id]);
  }

  /** By ascending id, from above `after`. */
  async list(after: number, limit: number): Promise<Storefront[]> {
    return this.database.read(list, [after, limit]);
  }

  async count(): Promise<number> {
    return (await this.database.readFirst(count, []))?.total ?? 0;
  }

  /** Changes what is given. @returns null when there is no such storefront. */
  async change(
    id: number,
    { name, description }: Partial<NewStorefront>,
    tx: Tx,
  ): Promise<Storefront | null> {
    return change.first([id, name ?? null, description ?? null], tx);
  }

  /** Keeps these storefronts from being deleted until `tx` ends. @returns those that are there. */
  async keep(ids: number[], tx: Tx): Promise<number[]> {
    return (await keep.run([ids], tx)).map(({ id }) => id);
  }

  /** @returns false when there is no such storefront. */
  async lock(id: number, tx: Tx): Promise<Storefront | null> {
    return lock.first([id], tx);
  }

  async hasProducts(id: number, tx: Tx): Promise<boolean> {
    return (await findProduct.first([id], tx)) !== null;
  }

  async archive(id: number, tx: Tx): Promise<void> {
    await archive.run([id], tx);
  }
}
