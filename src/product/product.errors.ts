import { DomainError, NotFound } from '../platform/errors.js';

/** There is no such product, or it is not for the caller to see or to buy. */
export class ProductNotFound extends NotFound {
  constructor() {
    super('product not found');
  }
}

/** Another living product has this sku. */
export class SkuTaken extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'sku_taken';

  constructor(sku: string) {
    super(`the sku ${sku} is already taken`);
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
