import { Injectable } from '@nestjs/common';
import { Statement, type Tx } from '../platform/database/statement.js';

// In order of product, so that two instances that write at once cannot wait for each other.
const add = new Statement(
  'view-counter-add',
  `INSERT INTO product_views AS w (product_id, views)
   SELECT product_id, views FROM unnest($1::int[], $2::int[]) AS c(product_id, views) ORDER BY product_id
   ON CONFLICT (product_id) DO UPDATE SET views = w.views + EXCLUDED.views`,
);

/** All SQL that changes the table `product_views`. */
@Injectable()
export class ViewCounterRepository {
  async add(counts: ReadonlyMap<number, number>, tx: Tx): Promise<void> {
    await add.run([[...counts.keys()], [...counts.values()]], tx);
  }
}
