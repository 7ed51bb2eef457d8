import type { Bind } from '../platform/http/list-order.js';
import { freeStock, hasVariants, type ProductFilter } from './product.types.js';

/** SQL: what can be sold now of the product with this alias, or of its variants when it has any. */
export const stockToSell = (product: string) =>
  `coalesce((SELECT sum(CASE WHEN v.active THEN ${freeStock('v')} ELSE 0 END) FROM products v
             WHERE v.parent_id = ${product}.id AND v.deleted_at IS NULL), ${freeStock(product)})::bigint`;

/** SQL: not deleted, and active unless an admin looks. */
export const shown = (product: string, withInactive: boolean) =>
  `${product}.deleted_at IS NULL${withInactive ? '' : ` AND ${product}.active`}`;

/** SQL: the row has what the `tsquery` says. */
export const anywhere = (product: string, query: string) => `${product}.search @@ ${query}`;
/** SQL: its name has. */
export const inName = (product: string, query: string) => `ts_filter(${product}.search, '{a}') @@ ${query}`;

/**
 * SQL: the product with this alias has it, or a variant of it that is shown. OFFSET 0 keeps it to looking at the variants of each
 * product that is asked for, rather than at all that have it.
 */
export const inFamily = (has: typeof anywhere, product: string, query: string, withInactive: boolean) =>
  `(${has(product, query)} OR EXISTS (SELECT FROM products v
     WHERE v.parent_id = ${product}.id AND ${has('v', query)} AND ${shown('v', withInactive)} OFFSET 0))`;

/** SQL: what a filter, its words aside, says of the product `p`, after `WITH_OVERDUE_GOODS`. All that a client sent is bound. */
export function conditionsOf(filter: ProductFilter, bind: Bind): string[] {
  const { category, in_stock, storefront_id, active, with_inactive } = filter;
  const conditions = ['p.deleted_at IS NULL', 'p.parent_id IS NULL'];
  if (!with_inactive) conditions.push('p.active');
  if (active !== undefined) conditions.push(`p.active = ${bind(active)}`);
  if (category !== undefined) conditions.push(`p.category = ${bind(category)}`);
  if (storefront_id !== undefined) conditions.push(`p.storefront_id = ${bind(storefront_id)}`);
  const prices = pricesOf(filter, bind);
  if (prices) conditions.push(prices);
  if (in_stock !== undefined) conditions.push(`${stockToSell('p')} ${in_stock ? '>' : '='} 0`);
  return conditions;
}

/**
 * SQL: leaves out most of what a filter does not let through, given an expression for ids: by the stock, else by prices. Of
 * both together Postgres expects next to nothing, and looks all that stands between wide prices up one by one.
 */
export function narrowedTo(filter: ProductFilter, id: string, bind: Bind): string[] {
  // Nothing is left of a family when each variant has run out, or is not sold any more.
  if (filter.in_stock === false)
    return [
      `${id} IN (SELECT coalesce(s.parent_id, s.id) FROM products s
      WHERE s.deleted_at IS NULL AND (s.stock = 0 OR s.parent_id IS NOT NULL AND NOT s.active))`,
    ];
  const bounds = boundsOf(filter, bind);
  if (bounds === null) return [];
  return [
    `${id} IN (SELECT s.id FROM products s WHERE s.parent_id IS NULL AND s.deleted_at IS NULL AND ${bounds('s')}
      UNION ALL SELECT e.product_id FROM variant_prices e WHERE ${bounds('e')})`,
  ];
}

/** What is really charged decides: of a product that has variants, the price of any of them that is shown. */
function pricesOf(filter: ProductFilter, bind: Bind): string | null {
  const within = boundsOf(filter, bind);
  if (within === null) return null;
  return `(${within('p')} AND NOT ${hasVariants('p')} OR EXISTS (
    SELECT FROM products v WHERE v.parent_id = p.id AND v.deleted_at IS NULL AND ${within('v')}
    ${filter.with_inactive ? '' : 'AND v.active'}))`;
}

/** SQL: the price of the row with this alias is within the bounds. */
export type Within = (alias: string) => string;

export function boundsOf({ min_price_minor, max_price_minor }: ProductFilter, bind: Bind): Within | null {
  const bounds: [string, string][] = [];
  if (min_price_minor !== undefined) bounds.push(['>=', bind(min_price_minor)]);
  if (max_price_minor !== undefined) bounds.push(['<=', bind(max_price_minor)]);
  if (bounds.length === 0) return null;
  return (alias) =>
    bounds.map(([comparison, bound]) => `${alias}.price_minor ${comparison} ${bound}`).join(' AND ');
}
