import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import { boundsOf, conditionsOf, shown, type Within } from './product.conditions.js';
import { hasVariants, type ProductFilter, type ProductSort, WITH_OVERDUE_GOODS } from './product.types.js';

interface PageByPrice {
  filter: ProductFilter;
  sort: ProductSort;
  after: Keyset | null;
  limit: number;
}

/** Whether a page has prices that are bounded, and their order. Of what is sold out no index tells where it stands. */
export function isByPrice({ filter, sort }: PageByPrice): boolean {
  const { min_price_minor, max_price_minor, in_stock } = filter;
  const isBounded = min_price_minor !== undefined || max_price_minor !== undefined;
  return isBounded && (sort === 'price' || sort === '-price') && in_stock !== false;
}

/**
 * SQL: begins a statement with the `page`; `others` is what else must be true of a product `p`. Products without variants are
 * read in the index of prices, from the bound on. What is let through by a variant may stand anywhere in the order, also far
 * outside of the bounds: `variant_prices` tells it in the order.
 */
export function pageByPrice(
  { filter, sort, after, limit }: PageByPrice,
  others: string[],
  bind: Bind,
): string {
  const within = boundsOf(filter, bind) as Within;
  const unbounded = { ...filter, min_price_minor: undefined, max_price_minor: undefined };
  const conditions = [...conditionsOf(unbounded, bind), ...others];
  const descending = sort === '-price';
  const most = bind(limit);
  const part = (columns: string, from: string, order: ListOrder, more: string[]) => {
    const all = [...conditions, ...more, ...(after ? [beyond(order, after, bind)] : [])];
    return `(SELECT ${columns} FROM ${from} WHERE ${all.join(' AND ')} ORDER BY ${orderBy(order)} LIMIT ${most})`;
  };
  const own = part(
    'p.price_minor, p.id',
    'products p',
    { columns: { 'p.price_minor': 'bigint', 'p.id': 'bigint' }, descending },
    [within('p'), `NOT ${hasVariants('p')}`],
  );
  const ofVariants = part(
    'DISTINCT e.product_price_minor AS price_minor, e.product_id AS id',
    'variant_prices e JOIN products v ON v.id = e.variant_id JOIN products p ON p.id = e.product_id',
    { columns: { 'e.product_price_minor': 'bigint', 'e.product_id': 'bigint' }, descending },
    [within('e'), shown('v', filter.with_inactive)],
  );
  const order = orderBy({ columns: { price_minor: 'bigint', id: 'bigint' }, descending });
  return `${WITH_OVERDUE_GOODS}, page AS (
    SELECT id, NULL::int AS distance, row_number() OVER (ORDER BY ${order}) AS place
    FROM (${own} UNION ALL ${ofVariants}) p ORDER BY ${order} LIMIT ${most})`;
}
