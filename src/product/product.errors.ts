import { DomainError, NotFound } from '../platform/errors.js';

/** There is no such product, or it is not for the caller to see or to buy. */
export class ProductNotFound extends NotFound {
  constructor() {
    super('product not found');
  }
}

/** Another living product of the storefront has this sku, or, with null, that of a variant. */
export class SkuTaken extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'sku_taken';

  constructor(sku: string | null) {
    super(sku === null ? 'the sku of a variant is already taken there' : `the sku ${sku} is already taken`);
  }
}

/** The product is no longer the one that the client has read. Nothing was changed. */
export class VersionConflict extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'version_conflict';

  constructor(expected: number, actual: number) {
    super(`the product has version ${actual} now, not ${expected}; read it again`);
  }
}

export const VARIANTS_MAX = 100;

/** A product has so many variants that no list could show them all. */
export class TooManyVariants extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'too_many_variants';

  constructor() {
    super(`a product has at most ${VARIANTS_MAX} variants`);
  }
}

/** What is a variant itself has no variants. */
export class VariantOfVariant extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'variant_of_variant';

  constructor(sentence: string) {
    super(sentence);
  }
}

/** A file names a parent that is not there, or not yet. */
export class ParentNotFound extends NotFound {
  constructor(sku: string) {
    super(`there is no product with the sku ${sku} before it to be its parent`);
  }
}

/** A file names a product that an earlier row of it names: one of the two must be wrong. */
export class DuplicateRow extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'duplicate_row';

  constructor(sku: string) {
    super(`the sku ${sku} is named by an earlier row`);
  }
}
