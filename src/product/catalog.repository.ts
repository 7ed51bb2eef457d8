import { Injectable } from '@nestjs/common';
import { Replicas } from '../platform/database/replicas.js';
import { Statement, type Tx } from '../platform/database/statement.js';
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
import { anywhere, type Bind, inName, SearchRepository, type Sought, shown } from './search.repository.js';

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

interface Order {
  /** Columns of the product `p`, or of what was `found`, the last of them unique. Ids are given in the order of creation. */
  columns: string[];
  descending: boolean;
}

const ORDERS: Record<ProductSort, Order> = {
  id: { columns: ['p.id'], descending: false },
  name: { columns: ['p.name', 'p.id'], descending: false },
  price: { columns: ['p.price_minor', 'p.id'], descending: false },
  '-price': { columns: ['p.price_minor', 'p.id'], descending: true },
  newest: { columns: ['p.id'], descending: true },
  relevance: { columns: ['found.distance', 'p.id'], descending: false },
};

/** Reads the table `products` as it is shown: what is deleted is not there, and variants stand with their product. */
@Injectable()
export class CatalogRepository {
  constructor(
    private readonly replicas: Replicas,
    private readonly searches: SearchRepository,
  ) {}

  /** One page of top-level products in the sort's order, beginning after the place that `after` names. */
  async list(
    filter: ProductFilter,
    sort: ProductSort,
    after: Keyset | null,
    limit: number,
  ): Promise<Family[]> {
    const sought = filter.q === undefined ? null : await this.searches.seek(filter.q, filter);
    if (sought?.ids?.length === 0) return [];
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const { columns, descending } = ORDERS[sort];
    const orderBy = orderOf(sort);
    const { ctes, from, conditions } =
      sought && sought.ids === null
        ? sort === 'relevance'
          ? commonByRelevance(filter, sought, after, limit, bind)
          : commonSelectionOf(filter, sought, sort, after, limit, bind)
        : selectionOf(filter, sought, sort === 'relevance', bind);
    if (after) conditions.push(beyond(columns, descending, after, bind));
    const distance = sort === 'relevance' ? 'found.distance' : 'NULL::int';
    const text = `${ctes}, page AS (
        SELECT p.id, ${distance} AS distance, row_number() OVER (ORDER BY ${orderBy}) AS place FROM ${from}
        WHERE ${conditions.join(' AND ')} ORDER BY ${orderBy} LIMIT ${bind(limit)})
      SELECT ${COLUMNS}, page.distance FROM page
      CROSS JOIN LATERAL (SELECT page.id UNION ALL SELECT v.id FROM products v WHERE v.parent_id = page.id) member (id)
      JOIN products p ON p.id = member.id
      WHERE p.deleted_at IS NULL ORDER BY page.place, p.parent_id NULLS FIRST, p.id`;
    return familiesOf(await this.replicas.read(unnamed<ProductRow>(text), values));
  }

  /** How many products the filter lets through. */
  async count(filter: ProductFilter): Promise<number> {
    const sought = filter.q === undefined ? null : await this.searches.seek(filter.q, filter);
    if (sought?.ids?.length === 0) return 0;
    const values: unknown[] = [];
    const { ctes, from, conditions } = selectionOf(
      filter,
      sought,
      false,
      (value) => `$${values.push(value)}`,
    );
    const text = `${ctes} SELECT count(*)::int AS total FROM ${from} WHERE ${conditions.join(' AND ')}`;
    const [row] = await this.replicas.read(unnamed<{ total: number }>(text), values);
    return row?.total ?? 0;
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

interface Selection {
  ctes: string;
  from: string;
  conditions: string[];
}
const foundBy = (ctes: string): Selection => ({
  ctes: `${WITH_OVERDUE_GOODS}, ${ctes}`,
  from: 'found JOIN products p ON p.id = found.id',
  conditions: ['true'],
});

/** Which products a filter selects, as `p`. Only fixed texts and placeholders: whatever a client has sent is bound. */
function selectionOf(filter: ProductFilter, sought: Sought | null, isRanked: boolean, bind: Bind): Selection {
  const conditions = conditionsOf(filter, bind);
  if (sought === null) return { ctes: WITH_OVERDUE_GOODS, from: 'products p', conditions };
  const query = sought.queryOf(bind);
  const nearness = isRanked ? `ts_rank(s.search, ${query})` : '0';
  const gathered = sought.ids ? `s.id = ANY(${bind(sought.ids)}::int[])` : 'true';
  // A product is as close as the closest of itself and its variants.
  const found = `found AS MATERIALIZED (
      SELECT coalesce(s.parent_id, s.id) AS id, -max((${nearness} * 1000000)::int) AS distance FROM products s
      WHERE ${gathered} AND ${anywhere('s', query)} AND ${shown('s', filter.with_inactive)} GROUP BY 1)`;
  return {
    ctes: `${WITH_OVERDUE_GOODS}, ${found}`,
    from: 'found JOIN products p ON p.id = found.id',
    conditions,
  };
}

/** `selectionOf` for what is too common to be gathered, in an order that an index has: it is walked. */
function commonSelectionOf(
  filter: ProductFilter,
  sought: Sought,
  sort: ProductSort,
  after: Keyset | null,
  limit: number,
  bind: Bind,
): Selection {
  const query = sought.queryOf(bind);
  const count = bind(limit);
  const conditions = conditionsOf(filter, bind);
  if (after) conditions.push(beyond(ORDERS[sort].columns, ORDERS[sort].descending, after, bind));
  const part = (has: string) =>
    `(SELECT p.id FROM products p WHERE ${has} AND ${conditions.join(' AND ')} ORDER BY ${orderOf(sort)} LIMIT ${count})`;
  const parts = `${part(anywhere('p', query))} UNION ${part(inVariant(query, filter))}`;
  return foundBy(`found AS (${parts})`);
}

/** Products that are looked through, in their order, before all that have it in their names are gathered after all. */
const WALKED_MAX = 20_000;

/**
 * `selectionOf` by relevance for what is too common to be ranked: no more than a page's worth of those that have it, beyond the
 * place where the page begins. Those come first that have it in a name, then the others, both by id. Where names that have it are
 * common, products are looked through until the page is full, and then their variants so far; else, all that have it are
 * gathered. And the others are looked for only when names do not fill the page.
 */
function commonByRelevance(
  filter: ProductFilter,
  sought: Sought,
  after: Keyset | null,
  limit: number,
  bind: Bind,
): Selection {
  const query = sought.queryOf(bind);
  const count = bind(limit);
  const conditions = conditionsOf(filter, bind).join(' AND ');
  const { category, storefront_id, with_inactive } = filter;
  const indexed = conditionsOf({ category, storefront_id, with_inactive }, bind).join(' AND ');
  const isShown = shown('s', with_inactive);
  const [place, id] = after ?? [-1, 0];
  const isBeyond = (distance: number, column = 'p.id') =>
    distance === place ? `${column} > ${bind(id)}::bigint` : String(distance > Number(place));
  const part = (has: string, distance: number, from = 'products p') =>
    `(SELECT p.id, ${distance} AS distance FROM ${from}
       WHERE ${has} AND ${conditions} AND ${isBeyond(distance)} ORDER BY p.id LIMIT ${count})`;
  const hasInName = (product: string) => `${anywhere(product, query)} AND ${inName(product, query)}`;
  const own = `SELECT p.id FROM (SELECT * FROM products p WHERE ${sought.areNamesCommon} AND ${indexed} AND ${isBeyond(0)}
        ORDER BY p.id LIMIT ${WALKED_MAX}) p WHERE ${hasInName('p')} AND ${conditions} ORDER BY p.id LIMIT ${count}`;
  const isFull = (walk: string) => `(SELECT count(*) FROM ${walk}) = ${count}`;
  // OFFSET 0, here and below, keeps it to looking up what is named, one by one.
  // All variants so far stand together in their index; those of a category do not.
  const isNarrow = category !== undefined || storefront_id !== undefined;
  const variantsSoFar = (walk: string, distance: number, has: string) => {
    const soFar = (column: string) =>
      `${isFull(walk)} AND ${column} <= (SELECT max(id) FROM ${walk}) AND ${isBeyond(distance, column)}`;
    const variants = isNarrow
      ? `(SELECT p.id FROM products p WHERE ${indexed} AND ${soFar('p.id')} OFFSET 0) l
          CROSS JOIN LATERAL (SELECT * FROM products v WHERE v.parent_id = l.id OFFSET 0) s`
      : `(SELECT * FROM products v WHERE ${soFar('v.parent_id')} OFFSET 0) s`;
    return `SELECT s.parent_id AS id FROM ${variants} WHERE ${has} AND ${isShown}`;
  };
  const gathered = `TABLE own UNION ${variantsSoFar('own', 0, hasInName('s'))}
      UNION SELECT coalesce(s.parent_id, s.id) FROM products s WHERE NOT ${isFull('own')} AND ${inName('s', query)} AND ${isShown}`;
  const lookedUp = (ids: string) =>
    `(SELECT DISTINCT id FROM ${ids}) g CROSS JOIN LATERAL (SELECT * FROM products f WHERE f.id = g.id OFFSET 0) p`;
  const isOther = `(SELECT count(*) FROM named) < ${count} AND p.id NOT IN (SELECT id FROM gathered)`;
  return foundBy(`own AS MATERIALIZED (${own}), gathered AS MATERIALIZED (${gathered}),
    named AS MATERIALIZED (${part('true', 0, lookedUp('gathered'))}),
    others AS MATERIALIZED (${part(`${isOther} AND ${anywhere('p', query)}`, 1)}),
    other_parents AS MATERIALIZED (${variantsSoFar('others', 1, anywhere('s', query))}),
    found AS (TABLE named UNION TABLE others
      UNION ${part(isOther, 1, lookedUp('other_parents'))}
      UNION ${part(`${isOther} AND NOT ${isFull('others')} AND ${inVariant(query, filter)}`, 1)})`);
}

const inVariant = (query: string, { with_inactive }: ProductFilter) =>
  `EXISTS (SELECT FROM products s WHERE s.parent_id = p.id AND ${anywhere('s', query)} AND ${shown('s', with_inactive)})`;

const orderOf = (sort: ProductSort) =>
  ORDERS[sort].columns.map((column) => (ORDERS[sort].descending ? `${column} DESC` : column)).join(', ');

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

/** The rows that come after `keyset` in the order. As bigint: a made-up cursor may name an id that no integer can be. */
function beyond(columns: string[], descending: boolean, keyset: Keyset, bind: Bind): string {
  const places = keyset.map((value) => `${bind(value)}::${typeof value === 'number' ? 'bigint' : 'text'}`);
  return `(${columns.join(', ')}) ${descending ? '<' : '>'} (${places.join(', ')})`;
}
