import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeCursor, encodeCursor, type Keyset, type KeysetKind, pageOf } from '../platform/http/page.js';
import { ReadyAnswer } from '../platform/http/ready-answer.js';
import { Money } from '../platform/money.js';
import { CatalogRepository } from './catalog.repository.js';
import { CatalogCache, type CatalogFinding } from './catalog-cache.js';
import type { ProductListQuery } from './product.dto.js';
import { ProductNotFound } from './product.errors.js';
import type { Family, ProductFilter, ProductSort } from './product.types.js';
import { type ProductListView, type ProductView, productView } from './product.view.js';
import { ViewCounter } from './view-counter.service.js';

/**
 * The catalog as it is shown: what there is to sell, at what price, and how much of it. What it answers is at most
 * `PRODUCT_CACHE_MS` old, and shows everything that this process has committed.
 */
@Injectable()
export class CatalogService {
  constructor(
    private readonly repository: CatalogRepository,
    private readonly cache: CatalogCache,
    private readonly viewCounter: ViewCounter,
    private readonly money: Money,
  ) {}

  /**
   * One page of top-level products with their variants. What is looked for comes by relevance unless another order is asked
   * for, and by likeness when there is no such word: for typing errors. The public sees active products, admins all that are not deleted.
   * @throws ValidationFailed for a cursor of another order, or a price finer than the currency, or a filter that is for admins.
   */
  async list(query: ProductListQuery, caller: Caller | undefined): Promise<ReadyAnswer> {
    const sort = query.sort ?? (query.q === undefined ? 'id' : 'relevance');
    const filter = this.filterOf(query, caller);
    const key = JSON.stringify([sort, query.limit, query.cursor, query.count, filter]);
    const question = { shelf: 'list' as const, key, isPage: true, isByStock: filter.in_stock !== undefined };
    const answer = await this.cache.answer(question, () => this.findPage(query, sort, filter));
    return answer as ReadyAnswer;
  }

  /**
   * A product with its variants, or a variant. A look at it is counted, unless it is an admin's.
   * @throws ProductNotFound when it is unknown, deleted, or off sale, as a variant is with its parent, and the caller is no admin.
   */
  async get(id: number, caller: Caller | undefined): Promise<ReadyAnswer> {
    const forAdmin = isAdmin(caller);
    const question = { shelf: 'detail' as const, key: `${id} ${forAdmin}`, isPage: false, isByStock: false };
    const answer = await this.cache.answer(question, () => this.find(id, forAdmin));
    if (answer === null) throw new ProductNotFound();
    if (!forAdmin) this.viewCounter.count(id);
    return answer;
  }

  /** The product as an admin sees it in `tx`. @throws ProductNotFound */
  async viewWithin(id: number, tx: Tx): Promise<ProductView> {
    const family = await this.repository.findWithin(id, tx);
    if (!family) throw new ProductNotFound();
    return productView(family, true, this.money);
  }

  private async findPage(
    query: ProductListQuery,
    sort: ProductSort,
    filter: ProductFilter,
  ): Promise<CatalogFinding> {
    const after = decodeCursor(sort, CURSORS[sort].kinds, query.cursor);
    const families = await this.repository.list(filter, sort, after, query.limit + 1);
    const { rows: products, next_cursor } = pageOf(
      families,
      query,
      (family) => productView(family, filter.with_inactive, this.money),
      (family) => encodeCursor(sort, CURSORS[sort].placeOf(family)),
    );
    const page: ProductListView = { products, next_cursor };
    if (query.count) page.total = await this.repository.count(filter);
    return { answer: readyFor(filter.with_inactive, page), productIds: families.flatMap(idsOf) };
  }

  private async find(id: number, forAdmin: boolean): Promise<CatalogFinding> {
    const family = await this.repository.find(id);
    if (!family) return { answer: null, productIds: [id] };
    // A variant goes off sale with its parent, and comes back with it.
    const { on_sale, parent_id } = family.product;
    const productIds = [...idsOf(family), ...(parent_id === null ? [] : [parent_id])];
    if (!(on_sale || forAdmin)) return { answer: null, productIds };
    return { answer: readyFor(forAdmin, productView(family, forAdmin, this.money)), productIds };
  }

  private filterOf(query: ProductListQuery, caller: Caller | undefined): ProductFilter {
    const { q, category, in_stock, storefront_id, active, min_price, max_price } = query;
    // To everybody else it is not there, like what it would show.
    if (active !== undefined && !isAdmin(caller))
      throw ValidationFailed.of('active', 'active is not a known member');
    return {
      q,
      category,
      in_stock,
      storefront_id,
      active,
      min_price_minor: min_price === undefined ? undefined : this.money.minorOf(min_price, 'min_price'),
      max_price_minor: max_price === undefined ? undefined : this.money.minorOf(max_price, 'max_price'),
      with_inactive: isAdmin(caller),
    };
  }
}

function readyFor(forAdmin: boolean, view: ProductView | ProductListView): ReadyAnswer {
  return new ReadyAnswer(JSON.stringify(view), forAdmin ? 'admin' : 'everybody');
}

function idsOf({ product, variants }: Family): number[] {
  return [product.id, ...variants.map(({ id }) => id)];
}

function isAdmin(caller: Caller | undefined): boolean {
  return caller?.role === 'admin';
}

/** What a cursor holds in each order: the values of the columns that it sorts by. */
const CURSORS: Record<ProductSort, { kinds: KeysetKind[]; placeOf(family: Family): Keyset }> = {
  id: { kinds: ['number'], placeOf: ({ product }) => [product.id] },
  name: { kinds: ['string', 'number'], placeOf: ({ product }) => [product.name, product.id] },
  price: { kinds: ['number', 'number'], placeOf: ({ product }) => [product.price_minor, product.id] },
  '-price': { kinds: ['number', 'number'], placeOf: ({ product }) => [product.price_minor, product.id] },
  newest: { kinds: ['number'], placeOf: ({ product }) => [product.id] },
  relevance: {
    kinds: ['number', 'number'],
    placeOf: ({ product }) => [Number(product.distance), product.id],
  },
};
