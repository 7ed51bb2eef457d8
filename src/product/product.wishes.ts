import type { Money } from '../platform/money.js';
import type { ChangeProduct, CreateProduct, CreateVariant } from './product.dto.js';
import type { NewProduct, ProductChange, StoredProduct, VersionedChange } from './product.types.js';

// What is asked for, as it is stored: money in minor units, and what is left out filled in.

/** @throws ValidationFailed for a price finer than the currency. */
export function newProduct(
  { price, category, image_url, storefront_id, ...members }: CreateProduct,
  money: Money,
): NewProduct {
  return {
    ...members,
    price_minor: money.minorOf(price, 'price'),
    category: category ?? null,
    image_url: image_url ?? null,
    storefront_id: storefront_id ?? null,
    parent_id: null,
  };
}

/** @throws ValidationFailed for a price finer than the currency. */
export function versionedChange(
  id: number,
  { version, price, ...members }: ChangeProduct,
  money: Money,
): VersionedChange {
  const wish: ProductChange = members;
  if (price !== undefined) wish.price_minor = money.minorOf(price, 'price');
  return { id, version: version ?? null, wish };
}

/** What is left out is as with the parent; null takes it away. */
export function newVariant(
  { price: _, ...wish }: CreateVariant,
  price_minor: number,
  parent: StoredProduct,
): NewProduct {
  const { category = parent.category, image_url = parent.image_url } = wish;
  const { name = parent.name, description = parent.description } = wish;
  const { id: parent_id, storefront_id } = parent;
  return { ...wish, name, description, category, image_url, price_minor, parent_id, storefront_id };
}
