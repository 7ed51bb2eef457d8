import { Injectable } from '@nestjs/common';
import { Replicas } from '../../platform/database/replicas.js';
import { Statement, type Tx } from '../../platform/database/statement.js';
import { freeStock, WITH_OVERDUE_GOODS } from '../product.types.js';
import type { KnownProduct, ProductKey } from './import-plan.js';

/** A product as a file shows it. */
export interface ExportedProduct {
  id: number;
  sku: string;
  name: string;
  description: string;
  price_minor: number;
  category: string | null;
  image_url: string | null;
  storefront_id: number | null;
  parent_sku: string | null;
  low_stock_threshold: number;
  active: boolean;
  /** Its own, whether or not it has variants. */
  stock: number;
}

const MEMBERS = `p.id, p.sku, p.name, p.description, p.price_minor, p.category, p.image_url, p.storefront_id,
   p.low_stock_threshold, p.active, parent.sku AS parent_sku`;

const findByKeys = new Statement<KnownProduct>(
  'catalog-file-find-by-keys',
  `SELECT ${MEMBERS}, p.parent_id, p.version,
     (SELECT count(*)::int FROM products v WHERE v.parent_id = p.id AND v.deleted_at IS NULL) AS variants
   FROM unnest($1::int[], $2::text[]) AS k(storefront_id, sku)
   JOIN products p ON coalesce(p.storefront_id, 0) = k.storefront_id AND p.sku = k.sku AND p.deleted_at IS NULL
   LEFT JOIN products parent ON parent.id = p.parent_id`,
);

// By id: a parent was there before its variants, and stands before them in the file.
const exportAfter = new Statement<ExportedProduct>(
  'catalog-file-export-after',
  `${WITH_OVERDUE_GOODS}
   SELECT ${MEMBERS}, ${freeStock('p')} AS stock FROM products p LEFT JOIN products parent ON parent.id = p.parent_id
   WHERE p.id > $1 AND p.deleted_at IS NULL ORDER BY p.id LIMIT $2`,
);

/** Reads the table `products` for its way into a file and back. Deleted products are not there. */
@Injectable()
export class CatalogFileRepository {
  constructor(private readonly replicas: Replicas) {}

  async findByKeys(keys: ProductKey[], tx: Tx): Promise<KnownProduct[]> {
    const storefronts = keys.map(({ storefront_id }) => storefront_id ?? 0);
    return findByKeys.run([storefronts, keys.map(({ sku }) => sku)], tx);
  }

  /** By ascending id, from above `after`. */
  async exportAfter(after: number, limit: number): Promise<ExportedProduct[]> {
    return this.replicas.read(exportAfter, [after, limit]);
  }
}
