import { InsufficientStock, ProductsNotFound } from './inventory.errors.js';
import type { Goods, Taking } from './inventory.types.js';

/**
 * What taking the goods, each of another product, makes of the locked stock. Pure.
 * @throws ProductsNotFound naming all that are unknown, else InsufficientStock naming all that are short.
 */
export function takingsOf(orderRef: string, goods: Goods[], stock: ReadonlyMap<number, number>): Taking[] {
  const unknown = goods.filter(({ product_id }) => !stock.has(product_id));
  if (unknown.length > 0) throw new ProductsNotFound(unknown.map(({ product_id }) => product_id));
  const short = goods
    .map(({ product_id, quantity }) => ({
      product_id,
      requested: quantity,
      available: stock.get(product_id) as number,
    }))
    .filter(({ requested, available }) => requested > available);
  if (short.length > 0) throw new InsufficientStock(short);
  return goods.map(({ product_id, quantity }) => ({
    order_ref: orderRef,
    product_id,
    quantity,
    stock_after: (stock.get(product_id) as number) - quantity,
  }));
}
