import { Injectable } from '@nestjs/common';
import { violates } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import type { Caller } from '../platform/http/caller.js';
import { decodeCursor, encodeCursor, type Keyset, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type {
  ChangeProduct,
  CreateProduct,
  ProductListQuery,
  ProductListView,
  ProductView,
} from './product.dto.js';
import { ProductNotFound, SkuTaken, VersionConflict } from './product.errors.js';
import { ProductRepository } from './product.repository.js';
import type {
  LockedProduct,
  NewProduct,
  ProductChange,
  ProductFilter,
  ProductRow,
  ProductSort,
  StockAfter,
  StockChange,
} from './product.types.js';

/** Sees all that there is of a product. */
const AS_ADMIN = { role: 'admin' } as const;

/** The catalog: what there is to sell, at what price, and how much of it. */
@Injectable()
export class ProductService {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly repository: ProductRepository,
    private readonly money: Money,
    private readonly trail: AdminActions,
  ) {}

  /**
   * One page of the catalog. The public sees active products, admins all that are not deleted.
   * @throws ValidationFailed for a cursor of another order, or a price finer than the currency.
   */
  async list(query: ProductListQuery, caller: Caller | undefined): Promise<ProductListView> {
    const sort = query.sort ?? 'id';
    const after = decodeCursor(sort, CURSORS[sort].kinds, query.cursor);
    const filter = this.filterOf(query, caller);
    const rows = await this.repository.list(filter, sort, after, query.limit + 1);
    const { rows: products, next_cursor } = pageOf(
      rows,
      query,
      (row) => this.view(row, caller),
      (row) => encodeCursor(sort, CURSORS[sort].placeOf(row)),
    );
    if (!query.count) return { products, next_cursor };
    return { products, next_cursor, total: await this.repository.count(filter) };
  }

  /** @throws ProductNotFound when it is unknown, deleted, or inactive and the caller is no admin. */
  async get(id: number, caller: Caller | undefined): Promise<ProductView> {
    const row = await this.repository.find(id);
    if (!row || !(row.active || isAdmin(caller))) throw new ProductNotFound();
    return this.view(row, caller);
  }

  /**
   * Adds a product to the catalog, with its first count of stock. Once for one claim.
   * @throws SkuTaken, ValidationFailed for a price finer than the currency.
   */
  async create(wish: CreateProduct, admin: Caller, claim: Claim | null): Promise<Answer<ProductView>> {
    const product: NewProduct = {
      sku: wish.sku,
      name: wish.name,
      description: wish.description,
      price_minor: this.money.minorOf(wish.price, 'price'),
      category: wish.category ?? null,
      image_url: wish.image_url ?? null,
      low_stock_threshold: wish.low_stock_threshold,
      active: wish.active,
      stock: wish.stock,
    };
    return this.idempotency.once(claim, 201, async (tx) => {
      const row = await this.repository.insert(product, tx);
      if (!row) throw new SkuTaken(product.sku);
      await this.note('created', null, row, tx);
      return this.view(row, admin);
    });
  }

  /**
   * Changes what `wish` names and raises the version by one; a wish that changes nothing leaves the product as it is.
   * With a version, only the product that has it is changed. Idempotent.
   * @throws ProductNotFound, VersionConflict, SkuTaken, ValidationFailed for a price finer than the currency.
   */
  async change(
    id: number,
    { version, price, ...members }: ChangeProduct,
    admin: Caller,
  ): Promise<ProductView> {
    const wish: ProductChange = { ...members };
    if (price !== undefined) wish.price_minor = this.money.minorOf(price, 'price');
    const row = await this.database.transaction(async (tx) => {
      const before = await this.repository.lock(id, tx);
      const changed = await this.changeOrSkuTaken(id, version ?? null, wish, tx);
      if (changed) await this.note('changed', before, changed, tx);
      return changed ?? this.unchanged(id, version, tx);
    });
    return this.view(row, admin);
  }

  /**
   * Takes a product out of the catalog for good. Orders keep their lines, carts show it as not available, and its sku
   * may be used again.
   * @throws ProductNotFound, also for one that is deleted already.
   */
  async remove(id: number): Promise<void> {
    await this.database.transaction(async (tx) => {
      const removed = await this.repository.archive(id, tx);
      if (!removed) throw new ProductNotFound();
      await this.note('removed', removed, null, tx);
    });
  }

  /**
   * Says in the caller's transaction that the product may be sold now, stock aside. Takes no lock: a cart promises
   * nothing, and whoever sells asks again with `lockForSale`.
   * @throws ProductNotFound when it is unknown, deleted, inactive, or sold only through its variants.
   */
  async requireSellable(id: number, tx: Tx): Promise<void> {
    if (!(await this.repository.isSellable(id, tx))) throw new ProductNotFound();
  }

  /**
   * Locks the products, in one statement and in the order of their ids, until `tx` ends, and says how they stand.
   * Answers them by ascending id; an id that there is no product for is missing from the answer, a deleted one is there
   * and not sellable. Prices in minor units. Call it once in a transaction, with every product that it will touch.
   */
  async lockForSale(ids: number[], tx: Tx): Promise<LockedProduct[]> {
    return this.repository.lockForSale(ids, tx);
  }

  /**
   * Locks the products like `lockForSale` and answers the stock of each that is not deleted, by its id. What is inactive, or
   * sold only through its variants, is there: what the shop shows is not what the warehouse has.
   */
  async lockForCount(ids: number[], tx: Tx): Promise<Map<number, number>> {
    const locked = await this.repository.lockForSale(ids, tx);
    const doubtful = locked.filter(({ sellable }) => !sellable).map(({ id }) => id);
    const deleted = new Set(doubtful.length > 0 ? await this.repository.findDeleted(doubtful, tx) : []);
    return new Map(locked.filter(({ id }) => !deleted.has(id)).map(({ id, stock }) => [id, stock]));
  }

  /**
   * `lockForSale` without waiting, for whoever has waited long enough. @returns the products that are ours, and the ids of
   * those that somebody else has in hand.
   */
  async lockFree(ids: number[], tx: Tx): Promise<{ free: LockedProduct[]; busy: Set<number> }> {
    const free = await this.repository.lockFree(ids, tx);
    const ours = new Set(free.map(({ id }) => id));
    const rest = ids.filter((id) => !ours.has(id));
    return { free, busy: new Set(rest.length > 0 ? await this.repository.existing(rest, tx) : []) };
  }

  /**
   * Adds each delta (in pieces, negative to take) to its product's stock, in one statement, and answers the stock after
   * in no particular order; a product named twice gets the sum. The products must be locked in `tx` by `lockForSale`,
   * and the caller writes the ledger rows in the same `tx`: without them the audit fails. `version` and `updated_at` stay.
   * Not idempotent. Stock below zero is refused by the database and undoes `tx`: decide before calling.
   */
  async changeStock(changes: StockChange[], tx: Tx): Promise<StockAfter[]> {
    return changes.length === 0 ? [] : this.repository.changeStock(changes, tx);
  }

  private filterOf(query: ProductListQuery, caller: Caller | undefined): ProductFilter {
    const { category, in_stock, min_price, max_price } = query;
    return {
      category,
      in_stock,
      min_price_minor: min_price === undefined ? undefined : this.money.minorOf(min_price, 'min_price'),
      max_price_minor: max_price === undefined ? undefined : this.money.minorOf(max_price, 'max_price'),
      with_inactive: isAdmin(caller),
    };
  }

  private async changeOrSkuTaken(
    id: number,
    version: number | null,
    wish: ProductChange,
    tx: Tx,
  ): Promise<ProductRow | null> {
    try {
      return await this.repository.change(id, version, wish, tx);
    } catch (error) {
      if (violates(error, 'products_sku_key')) throw new SkuTaken(wish.sku as string);
      throw error;
    }
  }

  /** Why nothing was changed: the product is not there, it is another version, or it already is what was wished for. */
  private async unchanged(id: number, version: number | undefined, tx: Tx): Promise<ProductRow> {
    const row = await this.repository.findWithin(id, tx);
    if (!row) throw new ProductNotFound();
    if (version !== undefined && version !== row.version) throw new VersionConflict(version, row.version);
    return row;
  }

  private async note(
    done: 'created' | 'changed' | 'removed',
    before: ProductRow | null,
    after: ProductRow | null,
    tx: Tx,
  ): Promise<void> {
    const shown = (row: ProductRow | null) => row && this.view(row, AS_ADMIN);
    const entity_id = (after ?? before)?.id as number;
    const step = { action: `product.${done}`, entity: 'product', entity_id } as const;
    await this.trail.record([{ ...step, before: shown(before), after: shown(after) }], tx);
  }

  private view(row: ProductRow, caller: Pick<Caller, 'role'> | undefined): ProductView {
    return {
      id: row.id,
      sku: row.sku,
      name: row.name,
      description: row.description,
      price: this.money.majorOf(row.price_minor),
      currency: this.money.currency,
      image_url: row.image_url,
      category: row.category,
      storefront_id: row.storefront_id,
      parent_id: row.parent_id,
      stock: row.stock,
      in_stock: row.stock > 0,
      ...(isAdmin(caller) ? { low_stock_threshold: row.low_stock_threshold } : {}),
      active: row.active,
      version: row.version,
      created_at: row.created_at,
      updated_at: row.updated_at,
    };
  }
}

function isAdmin(caller: Pick<Caller, 'role'> | undefined): boolean {
  return caller?.role === 'admin';
}

/** What a cursor holds in each order: the values of the columns that it sorts by. */
const CURSORS: Record<ProductSort, { kinds: ('string' | 'number')[]; placeOf(row: ProductRow): Keyset }> = {
  id: { kinds: ['number'], placeOf: ({ id }) => [id] },
  name: { kinds: ['string', 'number'], placeOf: ({ name, id }) => [name, id] },
  price: { kinds: ['number', 'number'], placeOf: ({ price_minor, id }) => [price_minor, id] },
  '-price': { kinds: ['number', 'number'], placeOf: ({ price_minor, id }) => [price_minor, id] },
  newest: { kinds: ['number'], placeOf: ({ id }) => [id] },
};
