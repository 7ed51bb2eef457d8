import { Injectable } from '@nestjs/common';
import { violates } from '../platform/database/database.errors.js';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { StorefrontService } from '../storefront/storefront.service.js';
import { CatalogService } from './catalog.service.js';
import type { ChangeProduct, CreateProduct, CreateVariant } from './product.dto.js';
import {
  ProductNotFound,
  SkuTaken,
  TooManyVariants,
  VARIANTS_MAX,
  VariantOfVariant,
  VersionConflict,
} from './product.errors.js';
import { ProductRepository } from './product.repository.js';
import type {
  LockedProduct,
  NewProduct,
  StockAfter,
  StockChange,
  StoredProduct,
  VersionedChange,
} from './product.types.js';
import type { ProductView } from './product.view.js';
import { newProduct, newVariant, versionedChange } from './product.wishes.js';
import { ProductTrail } from './product-trail.service.js';

/** What there is to sell: admins change it here, and whoever sells locks it here. */
@Injectable()
export class ProductService {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly repository: ProductRepository,
    private readonly catalog: CatalogService,
    private readonly storefronts: StorefrontService,
    private readonly money: Money,
    private readonly trail: ProductTrail,
  ) {}

  /**
   * Adds a product to the catalog, with its first count of stock. Once for one claim.
   * @throws SkuTaken, StorefrontNotFound, ValidationFailed for a price finer than the currency.
   */
  async create(wish: CreateProduct, claim: Claim | null): Promise<Answer<ProductView>> {
    const product = newProduct(wish, this.money);
    return this.idempotency.once(claim, 201, async (tx) => {
      await this.storefronts.require(product.storefront_id, tx);
      return this.insert(product, tx);
    });
  }

  /**
   * Adds a variant to a product, which is sold only through its variants from then on: stock of its own stays where it is, and
   * is neither shown nor sold. Locks the product. Once for one claim.
   * @throws ProductNotFound, VariantOfVariant, TooManyVariants, SkuTaken, ValidationFailed for a price finer than the currency.
   */
  async createVariant(
    parentId: number,
    wish: CreateVariant,
    claim: Claim | null,
  ): Promise<Answer<ProductView>> {
    const price_minor = this.money.minorOf(wish.price, 'price');
    return this.idempotency.once(claim, 201, async (tx) => {
      const parent = await this.lockParent(parentId, tx);
      return this.insert(newVariant(wish, price_minor, parent), tx);
    });
  }

  /**
   * Changes what `wish` names and raises the version by one; a wish that changes nothing leaves the product as it is.
   * With a version, only the product that has it is changed. Variants go with it to another storefront. Idempotent.
   * @throws ProductNotFound, VersionConflict, SkuTaken, StorefrontNotFound, ValidationFailed for a price finer than the currency
   * or a variant that would leave its parent.
   */
  async change(id: number, wish: ChangeProduct): Promise<ProductView> {
    const change = versionedChange(id, wish, this.money);
    return this.database.transaction(async (tx) => {
      await this.trail.noting(
        [id],
        () => this.changeWithin(change, tx),
        () => [],
        tx,
      );
      return this.catalog.viewWithin(id, tx);
    });
  }

  /** `change`, in the caller's `tx`. Locks the product and, when it goes to another storefront, its variants. */
  async changeWithin(change: VersionedChange, tx: Tx): Promise<void> {
    const { id, version, wish } = change;
    const { storefront_id } = wish;
    const moving = storefront_id === undefined ? null : await this.lockForMove(id, storefront_id, tx);
    const sku = wish.sku ?? moving?.sku ?? null;
    const changed = await orSkuTaken(sku, this.repository.change([change], tx));
    if (changed.length === 0) assertUnchanged((await this.repository.find([id], tx))[0], version);
    else if (moving) await orSkuTaken(null, this.repository.moveVariants(id, storefront_id ?? null, tx));
  }

  /**
   * Takes a product out of the catalog for good, and its variants with it. Orders keep their lines, carts show it as not
   * available, and its sku may be used again. Locks them all.
   * @throws ProductNotFound, also for one that is deleted already.
   */
  async remove(id: number): Promise<void> {
    const removed = await this.database.transaction(async (tx) => {
      await this.repository.lockFamilies([id], tx);
      return this.trail.noting(
        [id],
        () => this.repository.archive([id], tx),
        () => [],
        tx,
      );
    });
    if (!removed.includes(id)) throw new ProductNotFound();
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

  private async insert(product: NewProduct, tx: Tx): Promise<ProductView> {
    const [made] = await this.trail.noting(
      [],
      () => this.repository.insert([product], tx),
      (inserted) => inserted.map(({ id }) => id),
      tx,
    );
    if (!made) throw new SkuTaken(product.sku);
    return this.catalog.viewWithin(made.id, tx);
  }

  // Locked: it must not be deleted, nor get its last variant from somebody else, while it gets this one.
  private async lockParent(id: number, tx: Tx): Promise<StoredProduct> {
    const [parent] = await this.repository.lock([id], tx);
    if (!parent) throw new ProductNotFound();
    if (parent.parent_id !== null)
      throw new VariantOfVariant(
        `the product is itself a variant, of product ${parent.parent_id}: add the variant there`,
      );
    if ((await this.repository.countVariants(id, tx)) >= VARIANTS_MAX) throw new TooManyVariants();
    return parent;
  }

  /**
   * Locks a product that goes to another storefront, and all that goes with it, before it is changed: products are locked by
   * id. @returns null when it is there already, or is not there at all.
   */
  private async lockForMove(id: number, storefrontId: number | null, tx: Tx): Promise<StoredProduct | null> {
    await this.storefronts.require(storefrontId, tx);
    await this.repository.lockFamilies([id], tx);
    const [stored] = await this.repository.find([id], tx);
    if (!stored || stored.storefront_id === storefrontId) return null;
    if (stored.parent_id !== null)
      throw ValidationFailed.of('storefront_id', 'storefront_id: a variant is where its parent is');
    return stored;
  }
}

/** @throws SkuTaken for the violation that says so. */
async function orSkuTaken<T>(sku: string | null, work: Promise<T>): Promise<T> {
  return work.catch((error) => {
    throw violates(error, 'products_sku_key') ? new SkuTaken(sku) : error;
  });
}

/** Nothing was changed since the product already is what was wished for. @throws ProductNotFound, VersionConflict otherwise. */
export function assertUnchanged(stored: StoredProduct | undefined, version: number | null): void {
  if (!stored) throw new ProductNotFound();
  if (version !== null && version !== stored.version) throw new VersionConflict(version, stored.version);
}
