import { type DomainError, ValidationFailed } from '../../platform/errors.js';
import { StorefrontNotFound } from '../../storefront/storefront.errors.js';
import { ParentNotFound, TooManyVariants, VARIANTS_MAX, VariantOfVariant } from '../product.errors.js';
import type { ProductChange, StoredProduct, VersionedChange } from '../product.types.js';
import type { ImportRow } from './import-rows.js';

/** A product that a row names, or names as a parent, as it stands. */
export interface KnownProduct extends StoredProduct {
  parent_sku: string | null;
  variants: number;
}

export interface NewRow {
  from: ImportRow;
  /** Of a variant: the product that it belongs to, or the row before it that makes that. */
  parent: { id: number } | { from: ImportRow } | null;
}

/** What a batch of rows comes to. */
export interface ImportPlan {
  changes: { from: ImportRow; change: VersionedChange }[];
  news: NewRow[];
  unchanged: ImportRow[];
  refused: { from: ImportRow; error: DomainError }[];
  /** The products that must stay as they are until it is done. */
  touched: number[];
}

export interface ProductKey {
  storefront_id: number | null;
  sku: string;
}

/** By what a row finds its product. */
export const keyOf = ({ storefront_id, sku }: ProductKey): string => `${storefront_id ?? 0} ${sku}`;

/** What a row finds its parent by: it is in the same storefront. */
export function parentKeyOf({ product, parent_sku }: ImportRow): ProductKey | null {
  return parent_sku ? { storefront_id: product.storefront_id, sku: parent_sku } : null;
}

/** Decides what becomes of each row, in their order. Pure. */
export function planImport(
  rows: ImportRow[],
  known: ReadonlyMap<string, KnownProduct>,
  open: ReadonlySet<number>,
): ImportPlan {
  const plan: ImportPlan = { changes: [], news: [], unchanged: [], refused: [], touched: [] };
  const made = new Map<string, NewRow>();
  const added = new Map<string, number>();
  for (const from of rows) {
    const { storefront_id } = from.product;
    const existing = known.get(keyOf(from.product));
    const decide = () => (existing ? changeOf(from, existing) : newRowOf(from, known, made, added));
    const isOpen = storefront_id === null || open.has(storefront_id);
    const outcome = isOpen ? decide() : new StorefrontNotFound();
    if (outcome === null) plan.unchanged.push(from);
    else if (outcome instanceof Error) plan.refused.push({ from, error: outcome });
    else if ('change' in outcome) {
      plan.changes.push(outcome);
      plan.touched.push(outcome.change.id);
    } else {
      made.set(keyOf(from.product), outcome);
      plan.news.push(outcome);
      if (outcome.parent && 'id' in outcome.parent) plan.touched.push(outcome.parent.id);
    }
  }
  return plan;
}

function changeOf(
  from: ImportRow,
  existing: KnownProduct,
): { from: ImportRow; change: VersionedChange } | DomainError | null {
  if (from.parent_sku !== undefined && from.parent_sku !== existing.parent_sku)
    return ValidationFailed.of('parent_sku', 'parent_sku: a product keeps its parent, or has none');
  const differs = ([member, value]: [string, unknown]) => existing[member as keyof ProductChange] !== value;
  const wish: ProductChange = Object.fromEntries(Object.entries(from.change).filter(differs));
  if (Object.keys(wish).length === 0) return null;
  return { from, change: { id: existing.id, version: null, wish } };
}

function newRowOf(
  from: ImportRow,
  known: ReadonlyMap<string, KnownProduct>,
  made: ReadonlyMap<string, NewRow>,
  added: Map<string, number>,
): NewRow | DomainError {
  const parentKey = parentKeyOf(from);
  if (parentKey === null) return { from, parent: null };
  const key = keyOf(parentKey);
  const [stored, planned] = [known.get(key), made.get(key)];
  if (!stored && !planned) return new ParentNotFound(parentKey.sku);
  if (planned?.parent || (stored && stored.parent_id !== null))
    return new VariantOfVariant(`the product with the sku ${parentKey.sku} is itself a variant`);
  const already = (stored?.variants ?? 0) + (added.get(key) ?? 0);
  if (already >= VARIANTS_MAX) return new TooManyVariants();
  added.set(key, (added.get(key) ?? 0) + 1);
  return { from, parent: stored ? { id: stored.id } : { from: (planned as NewRow).from } };
}
