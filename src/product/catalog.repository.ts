import { Injectable } from '@nestjs/common';
import { Replicas } from '../platform/database/replicas.js';
import { Statement, type Tx, unnamed } from '../platform/database/statement.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import { CommonSearchRepository, isPlace, type Place } from './common-search.repository.js';
import { isByPrice, pageByPrice } from './page-by-price.js';
import { anywhere, conditionsOf, inFamily, narrowedTo, shown, stockToSell } from './product.conditions.js';
import {
  type Family,
  isSellable,
  type ProductFilter,
  type ProductRow,
  type ProductSort,
  WITH_OVERDUE_GOODS,
} from './product.types.js';
import { SearchRepository, type Sought } from './search.repository.js';

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

/** By columns of the product `p`, or of what was `found`. Ids are given in the order of creation. */
const ORDERS: Record<ProductSort, ListOrder> = {
  id: { columns: { 'p.id': 'bigint' }, descending: false },
  name: { columns: { 'p.name': 'text', 'p.id': 'bigint' }, descending: false },
  price: { columns: { 'p.price_minor': 'bigint', 'p.id': 'bigint' }, descending: false },
  '-price': { columns: { 'p.price_minor': 'bigint', 'p.id': 'bigint' }, descending: true },
  newest: { columns: { 'p.id': 'bigint' }, descending: true },
  relevance: { columns: { 'found.distance': 'bigint', 'p.id': 'bigint' }, descending: false },
};

/** Products that are looked at one by one, before all that a filter of prices or stock lets through are gathered. */
const NEAR_MAX = 500;

/** Reads the table `products` as it is shown: what is deleted is not there, and variants stand with their product. */
@Injectable()
export class CatalogRepository {
  constructor(
    private readonly replicas: Replicas,
    private readonly searches: SearchRepository,
    private readonly commons: CommonSearchRepository,
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
    if (sought && sort === 'relevance' && (sought.ids === null || isPlace(after))) {
      const found = await this.commons.find(filter, sought, after, limit);
      return this.read((bind) => placesOf(found, bind));
    }
    const question = { filter, sought, sort, after, limit };
    if (isByPrice(question) && isOpen(sought))
      return this.read((bind) => pageByPrice(question, wordsOf(question, bind), bind));
    const near = await this.read((bind) => pageOf({ ...question, isNear: true }, bind));
    if (near.length === limit || !isWalked(filter, sought) || !(await this.goesOn(question))) return near;
    return this.read((bind) => pageOf({ ...question, isNear: false }, bind));
  }

  /** Whether there are more products than were looked at: a small category, or a last page, is not worth gathering anything. */
  private async goesOn(question: PageQuestion): Promise<boolean> {
    const values: unknown[] = [];
    const text = `SELECT count(*)::int AS total FROM (${nearOf(question, (value) => `$${values.push(value)}`)}) p`;
    const [row] = await this.replicas.read(unnamed<{ total: number }>(text), values);
    return row?.total === NEAR_MAX;
  }

  private async read(page: (bind: Bind) => string): Promise<Family[]> {
    const values: unknown[] = [];
    // What was deleted since the page was found is shown once more: without it, the page would look like the last.
    const text = `${page((value) => `$${values.push(value)}`)}
      SELECT ${COLUMNS}, page.distance FROM page
      CROSS JOIN LATERAL (SELECT page.id UNION ALL SELECT v.id FROM products v WHERE v.parent_id = page.id) member (id)
      JOIN products p ON p.id = member.id
      WHERE p.deleted_at IS NULL OR p.id = page.id ORDER BY page.place, p.parent_id NULLS FIRST, p.id`;
    return familiesOf(await this.replicas.read(unnamed<ProductRow>(text), values));
  }

  /** How many products the filter lets through. */
  async count(filter: ProductFilter): Promise<number> {
    const sought = filter.q === undefined ? null : await this.searches.seek(filter.q, filter);
    if (sought?.ids?.length === 0) return 0;
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const { ctes, from } = sourceOf(filter, sought, false, bind);
    const conditions = [...conditionsOf(filter, bind), ...narrowedTo(filter, 'p.id', bind)].join(' AND ');
    const text = `${ctes} SELECT count(*)::int AS total FROM ${from} WHERE ${conditions}`;
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

/** Whether products are walked in the page's order, and many of them may be met before one that the filter lets through. */
function isWalked(filter: ProductFilter, sought: Sought | null): boolean {
  const { min_price_minor, max_price_minor, in_stock } = filter;
  if (!isOpen(sought)) return false;
  return min_price_minor !== undefined || max_price_minor !== undefined || in_stock === false;
}

/** Nothing is sought, or what in an order that an index has is met soon: it need not be gathered. */
const isOpen = (sought: Sought | null) => sought === null || (sought.isCommon && sought.ids === null);

/** SQL: the product `p` has what is sought, if anything is. */
const wordsOf = ({ sought, filter }: PageQuestion, bind: Bind) =>
  sought ? [inFamily(anywhere, 'p', sought.queryOf(bind), filter.with_inactive)] : [];

interface PageQuestion {
  filter: ProductFilter;
  sought: Sought | null;
  sort: ProductSort;
  after: Keyset | null;
  limit: number;
}

interface PageStep extends PageQuestion {
  /** Among the products that come next in the order; else, what the filter lets through is gathered first. */
  isNear: boolean;
}

/** SQL: begins a statement with the `page`, that is with the ids of what is asked for that come next in the order. */
function pageOf({ isNear, ...question }: PageStep, bind: Bind): string {
  const { filter, sought, sort, after, limit } = question;
  const order = orderBy(ORDERS[sort]);
  const distance = sort === 'relevance' ? 'found.distance' : 'NULL::int';
  const conditions = conditionsOf(filter, bind);
  if (after) conditions.push(beyond(ORDERS[sort], after, bind));
  const open = isOpen(sought);
  let { ctes, from } = sourceOf(filter, open ? null : sought, sort === 'relevance', bind);
  if (open) conditions.push(...wordsOf(question, bind));
  if (isWalked(filter, sought)) {
    if (isNear) from = `(${nearOf(question, bind)}) p`;
    else conditions.push(...narrowedTo(filter, 'p.id', bind));
  }
  return `${ctes}, page AS (
    SELECT p.id, ${distance} AS distance, row_number() OVER (ORDER BY ${order}) AS place FROM ${from}
    WHERE ${conditions.join(' AND ')} ORDER BY ${order} LIMIT ${bind(limit)})`;
}

/** SQL: the products that come next in the order, as far as an index knows what the filter says of them. */
function nearOf({ filter, sort, after }: PageQuestion, bind: Bind): string {
  const { category, storefront_id, with_inactive } = filter;
  const conditions = conditionsOf({ category, storefront_id, with_inactive }, bind);
  if (after) conditions.push(beyond(ORDERS[sort], after, bind));
  return `SELECT * FROM products p WHERE ${conditions.join(' AND ')} ORDER BY ${orderBy(ORDERS[sort])} LIMIT ${NEAR_MAX}`;
}

/** SQL: begins a statement, and where its products `p` come from: all of them, or what was sought and is to be `found`. */
function sourceOf(
  filter: ProductFilter,
  sought: Sought | null,
  isRanked: boolean,
  bind: Bind,
): { ctes: string; from: string } {
  if (sought === null) return { ctes: WITH_OVERDUE_GOODS, from: 'products p' };
  const query = sought.queryOf(bind);
  const nearness = isRanked ? `ts_rank(s.search, ${query})` : '0';
  const gathered = sought.ids ? `s.id = ANY(${bind(sought.ids)}::int[])` : 'true';
  // A product is as close as the closest of itself and its variants.
  const found = `found AS MATERIALIZED (
      SELECT coalesce(s.parent_id, s.id) AS id, -max((${nearness} * 1000000)::int) AS distance FROM products s
      WHERE ${gathered} AND ${anywhere('s', query)} AND ${shown('s', filter.with_inactive)} GROUP BY 1)`;
  return { ctes: `${WITH_OVERDUE_GOODS}, ${found}`, from: 'found JOIN products p ON p.id = found.id' };
}

/** SQL: begins a statement with a `page` that was found before. */
function placesOf(found: Place[], bind: Bind): string {
  const ids = bind(found.map(({ id }) => id));
  const distances = bind(found.map(({ distance }) => distance));
  return `${WITH_OVERDUE_GOODS}, page AS (
    SELECT * FROM unnest(${ids}::int[], ${distances}::int[]) WITH ORDINALITY page (id, distance, place))`;
}
