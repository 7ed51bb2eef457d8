import { DomainError, NotFound } from '../platform/errors.js';

export interface Shortage {
  product_id: number;
  requested: number;
  available: number;
}

/** At least one line cannot be had in full; nothing was taken for any line. */
export class InsufficientStock extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'insufficient_stock';
  override readonly members: { items: Shortage[] };

  constructor(items: Shortage[]) {
    super(`insufficient stock for ${items.map(({ product_id }) => `product ${product_id}`).join(', ')}`);
    this.members = { items };
  }
}

/** Goods are asked for by ids that no product has, or that a deleted one had. */
export class ProductsNotFound extends NotFound {
  constructor(ids: number[]) {
    super(`${ids.map((id) => `product ${id}`).join(', ')} not found`);
  }
}

/** The count is no longer the one that the client has read. Nothing was changed. */
export class StockChanged extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'stock_changed';
  override readonly members: { product_id: number; expected_stock: number; actual_stock: number };

  constructor(product_id: number, expected_stock: number, actual_stock: number) {
    super(`the stock of product ${product_id} is ${actual_stock} now, not ${expected_stock}`);
    this.members = { product_id, expected_stock, actual_stock };
  }
}

/** What would be taken has been given back already: the taking came too late, or once more. */
export class AlreadyRolledBack extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'already_rolled_back';

  constructor(orderRef: string) {
    super(`order ${orderRef} was rolled back; nothing is taken for it any more`);
  }
}

/** The shop's own orders take and give back by themselves. */
export class OrderOfTheShop extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_not_cancellable';

  constructor(orderRef: string) {
    super(`order ${orderRef} is one of the shop's own: cancel it instead`);
  }
}

/** The goods of this order are held for a limited time, and only the end of that hold may move them. */
export class HeldByReservation extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'reservation_active';

  constructor(orderRef: string) {
    super(`order ${orderRef} has an active reservation: confirm or release it`);
  }
}
