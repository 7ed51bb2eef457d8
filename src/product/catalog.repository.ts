import { Injectable } from '@nestjs/common';
import { Replicas } from '../platform/database/replicas.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import {
  type Family,
  freeStock,
  hasVariants,
  isSellable,
  type ProductFilter,
  type ProductRow,
  type ProductSort,
  WITH_OVERDUE_GOODS,
} from './product.types.js';

/** SQL: what can be sold now of the product with this alias, or of its variants when it has any. */
const stockToSell = (product: string) =>
  `coalesce((SELECT sum(CASE WHEN v.active THEN ${freeStock('v')} ELSE 0 END) FROM products v
             WHERE v.parent_id = ${product}.id AND v.deleted_at IS NULL), ${freeStock(product)})::bigint`;

/** Of the product `p`, after `WITH_OVERDUE_GOODS`. */
const COLUMNS = `p.id, p.sku, p.name, p.description, p.price_minor, p.image_url, p.category, p.storefront_id, p.parent_id,
   ${stockToSell('p')} AS stock, p.low_stock_threshold, p.active, ${isSellable('p')} AS on_sale, p.version,
   coalesce((SELECT w.views FROM product_views w WHERE w.product_id = p.id), 0) AS views, p.created_at, p.updated_at`;

// The product itself, then its variants.
const find = new Statement<ProductRow>(
  'catalog-find',
  `${WITH_OVERDUE_GOODS}
   SELECT ${COLUMNS} FROM (SELECT $1::int AS id UNION ALL SELECT id FROM products WHERE parent_id = $1) member
   JOIN products p ON p.id = member.id
   WHERE p.deleted_at IS NULL ORDER BY p.id <> $1, p.id`,
);

// Of the product `p`, or of what was `found`. Ids are given in the order of creation. As bigint: a made-up cursor may name an id
// that no integer can be.
const ORDERS: Record<ProductSort, ListOrder> = {
  id: { columns: { 'p.id': 'bigint' }, descending: false },
  name: { columns: { 'p.name': 'text', 'p.id': 'bigint' }, descending: false },
  price: { columns: { 'p.price_minor': 'bigint', 'p.id': 'bigint' }, descending: false },
  '-price': { columns: { 'p.price_minor': 'bigint', 'p.id': 'bigint' }, descending: true },
  newest: { columns: { 'p.id': 'bigint' }, descending: true },
  relevance: { columns: { 'found.distance': 'bigint', 'p.id': 'bigint' }, descending: false },
};

/** Reads the table `products` as it is shown: what is deleted is not there, and variants stand with their product. */
@Injectable()
export class CatalogRepository {
  constructor(private readonly replicas: Replicas) {}

  /** One page of top-level products in the sort's order, beginning after the place that `after` names. */
  async list(
    filter: ProductFilter,
    sort: ProductSort,
    after: Keyset | null,
    limit: number,
  ): Promise<Family[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const order = orderBy(ORDERS[sort]);
    const { ctes, from, conditions } = (await this.isCommon(filter))
      ? commonSelectionOf(filter, sort, after, limit, bind)
      : selectionOf(filter, sort === 'relevance', bind);
    if (after) conditions.push(beyond(ORDERS[sort], after, bind));
    const distance = sort === 'relevance' ? 'found.distance' : 'NULL::int';
    const text = `${ctes}, page AS (
        SELECT p.id, ${distance} AS distance, row_number() OVER (ORDER BY ${order}) AS place FROM ${from}
        WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${bind(limit)})
      SELECT ${COLUMNS}, page.distance FROM page
      CROSS JOIN LATERAL (SELECT page.id UNION ALL SELECT v.id FROM products v WHERE v.parent_id = page.id) member (id)
      JOIN products p ON p.id = member.id
      WHERE p.deleted_at IS NULL ORDER BY page.place, p.parent_id NULLS FIRST, p.id`;
    return familiesOf(await this.replicas.read(unnamed<ProductRow>(text), values));
  }

  /** How many products the filter lets through. */
  async count(filter: ProductFilter): Promise<number> {
    const values: unknown[] = [];
    const { ctes, from, conditions } = selectionOf(filter, false, (value) => `$${values.push(value)}`);
    const text = `${ctes} SELECT count(*)::int AS total FROM ${from} WHERE ${conditions.join(' AND ')}`;
    const [row] = await this.replicas.read(unnamed<{ total: number }>(text), values);
    return row?.total ?? 0;
  }

  /** Whether more products than can be ranked at every look have what is looked for. */
  private async isCommon({ q, with_inactive }: ProductFilter): Promise<boolean> {
    if (q === undefined) return false;
    const values: unknown[] = [];
    const { query } = queriesOf(q, (value) => `$${values.push(value)}`);
    const text = `SELECT count(*)::int AS total FROM (
      SELECT FROM products s WHERE s.search @@ ${query} AND ${shown('s', with_inactive)} LIMIT ${RANKED_MAX + 1}) f`;
    const [row] = await this.replicas.read(unnamed<{ total: number }>(text), values);
    return (row?.total ?? 0) > RANKED_MAX;
  }

  /** A product or a variant; variants stand with their product only. */
  async find(id: number): Promise<Family | null> {
    return familyOf(id, await this.replicas.read(find, [id]));
  }

  /** `find`, as `tx` sees it. */
  async findWithin(id: number, tx: Tx): Promise<Family | null> {
    return familyOf(id, await find.run([id], tx));
  }
}

// Without a name Postgres plans it with its values at hand: the shapes are many, and which index serves a filter best
// depends on what is asked for.
const unnamed = <Row extends object>(text: string) => new Statement<Row>('', text);

/** Each product comes before its variants. */
function familiesOf(rows: ProductRow[]): Family[] {
  const families: Family[] = [];
  for (const row of rows) {
    const last = families.at(-1);
    if (last && row.parent_id === last.product.id) last.variants.push(row);
    else families.push({ product: row, variants: [] });
  }
  return families;
}

function familyOf(id: number, rows: ProductRow[]): Family | null {
  const [family] = familiesOf(rows);
  return family?.product.id === id ? family : null;
}

/** Which products a filter selects, as `p`. Only fixed texts and placeholders: whatever a client has sent is bound. */
function selectionOf(
  filter: ProductFilter,
  isRanked: boolean,
  bind: Bind,
): { ctes: string; from: string; conditions: string[] } {
  const { q } = filter;
  const conditions = conditionsOf(filter, bind);
  if (q === undefined) return { ctes: WITH_OVERDUE_GOODS, from: 'products p', conditions };
  return {
    ctes: `${WITH_OVERDUE_GOODS}, ${findingOf(q, filter.with_inactive, isRanked, bind)}`,
    from: 'found JOIN products p ON p.id = found.id',
    conditions,
  };
}

// A product is as close as the closest of itself and its variants. What only looks alike is asked for when no word fits at
// all, so it never stands beside what fits, and pages stay pages of one list.
function findingOf(wanted: string, withInactive: boolean, isRanked: boolean, bind: Bind): string {
  const { q, text, query } = queriesOf(wanted, bind);
  const isShown = shown('s', withInactive);
  const closest = (nearness: string) =>
    `coalesce(s.parent_id, s.id) AS id, -max((${nearness} * 1000000)::int) AS distance`;
  return `fitting AS MATERIALIZED (
      SELECT ${closest(isRanked ? `ts_rank(s.search, ${query})` : '0')} FROM products s
      WHERE s.search @@ ${query} AND ${isShown} GROUP BY 1),
    found AS (
      TABLE fitting UNION ALL
      SELECT ${closest('l.likeness')} FROM product_lookalikes(${text}) l JOIN products s ON s.id = l.id
      WHERE ${PLAIN.test(q)} AND NOT EXISTS (TABLE fitting) AND ${isShown} GROUP BY 1)`;
}

/** More than so many are not ranked one by one at every look, but only put in order. */
const RANKED_MAX = 200;

/**
 * `selectionOf` for what is too common to be gathered first: no more than a page's worth of those that have it, beyond the place
 * where the page begins. By relevance those come first that have it in a name, then the others, both by id. Each part walks the
 * index of its order or that of words, whichever ends sooner, and the others are looked for only when names do not fill the page.
 */
function commonSelectionOf(
  filter: ProductFilter,
  sort: ProductSort,
  after: Keyset | null,
  limit: number,
  bind: Bind,
): { ctes: string; from: string; conditions: string[] } {
  const { query } = queriesOf(filter.q ?? '', bind);
  const count = bind(limit);
  const isRanked = sort === 'relevance';
  const conditions = conditionsOf(filter, bind).join(' AND ');
  const isBeyond = after ? beyond(ORDERS[sort], after, bind) : 'true';
  const order = orderBy(ORDERS[isRanked ? 'id' : sort]);
  const anywhere = (product: string) => `${product}.search @@ ${query}`;
  const inName = (product: string) => `ts_filter(${product}.search, '{a}') @@ ${query}`;
  const inVariant = (has: typeof anywhere) =>
    `EXISTS (SELECT FROM products s WHERE s.parent_id = p.id AND ${has('s')} AND ${shown('s', filter.with_inactive)})`;
  const part = (has: string, distance: number) => `(SELECT p.id, ${distance} AS distance FROM products p
       WHERE ${has} AND ${conditions} AND ${isBeyond.replaceAll('found.distance', String(distance))}
       ORDER BY ${order} LIMIT ${count})`;
  const isNamed = `(${inName('p')} OR ${inVariant(inName)})`;
  const isFull = `(SELECT count(*) FROM named) >= ${count}`;
  const found = isRanked
    ? `named AS MATERIALIZED (${part(inName('p'), 0)} UNION ${part(inVariant(inName), 0)}),
    found AS (
      TABLE named
      UNION ${part(`NOT ${isFull} AND ${anywhere('p')} AND NOT ${isNamed}`, 1)}
      UNION ${part(`NOT ${isFull} AND ${inVariant(anywhere)} AND NOT ${isNamed}`, 1)})`
    : `found AS (${part(anywhere('p'), 0)} UNION ${part(inVariant(anywhere), 0)})`;
  return {
    ctes: `${WITH_OVERDUE_GOODS}, ${found}`,
    from: 'found JOIN products p ON p.id = found.id',
    conditions: ['true'],
  };
}

/** What is looked for: as it is understood, as it is bound, and as a query. */
function queriesOf(wanted: string, bind: Bind): { q: string; text: string; query: string } {
  // Postgres takes each of many dashes for an exclusion of its own, and gives up when they nest too deep.
  const q = wanted.replace(NESTED_DASH, '');
  const text = bind(q);
  const query = `(websearch_to_tsquery('english', ${text}) || ${unfinished(q, `websearch_to_tsquery('simple', ${text})`)})`;
  return { q, text, query };
}

/** Not deleted, and active unless an admin looks. */
const shown = (product: string, withInactive: boolean) =>
  `${product}.deleted_at IS NULL${withInactive ? '' : ` AND ${product}.active`}`;

/** A dash that another one follows, with no word between them. */
const NESTED_DASH = /(?<![\p{L}\p{N}])-(?=[^\p{L}\p{N}"]*-)/gu;

/** Nothing is quoted or excluded: who is as exact as that is not shown something else. */
const PLAIN = /^(?!.*("|(^|\s)-))/;

/** Ends in a word that is neither quoted nor excluded: who types is perhaps not done with it. */
const UNFINISHED = /(^|\s)[^\s"-][^\s"]*$/;

// The text of a query ends in a quoted word unless that is in brackets, or there is none.
const unfinished = (q: string, query: string) =>
  UNFINISHED.test(q)
    ? `(CASE WHEN ${query}::text LIKE '%''' THEN (${query}::text || ':*')::tsquery ELSE ${query} END)`
    : query;

function conditionsOf(filter: ProductFilter, bind: Bind): string[] {
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

/** What is really charged decides: of a product that has variants, the price of any of them that is shown. */
function pricesOf(
  { min_price_minor, max_price_minor, with_inactive }: ProductFilter,
  bind: Bind,
): string | null {
  const bounds: [string, string][] = [];
  if (min_price_minor !== undefined) bounds.push(['>=', bind(min_price_minor)]);
  if (max_price_minor !== undefined) bounds.push(['<=', bind(max_price_minor)]);
  if (bounds.length === 0) return null;
  const within = (product: string) =>
    bounds.map(([comparison, bound]) => `${product}.price_minor ${comparison} ${bound}`).join(' AND ');
  return `(${within('p')} AND NOT ${hasVariants('p')} OR EXISTS (
    SELECT FROM products v WHERE v.parent_id = p.id AND v.deleted_at IS NULL AND ${within('v')}
    ${with_inactive ? '' : 'AND v.active'}))`;
}
