import { DomainError, NotFound } from '../platform/errors.js';

/** There is no such storefront, or it is deleted. */
export class StorefrontNotFound extends NotFound {
  constructor() {
    super('storefront not found');
  }
}

/** A storefront that has products is not deleted: they would be nobody's. */
export class StorefrontNotEmpty extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'storefront_not_empty';

  constructor() {
    super('the storefront still has products; delete them, or move them elsewhere, first');
  }
}
