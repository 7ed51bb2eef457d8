import type { Tx } from '../platform/database/tx.js';

/** Goods that an order takes out of what can be sold. */
export interface Taking {
  order_ref: string;
  product_id: number;
  quantity: number;
  stock_after: number;
}

/** A hold on what its order has taken, for a limited time. */
export interface NewReservation {
  id: string;
  order_ref: string;
  /** The shop's own order, or null when another system holds. */
  order_id: string | null;
  /** Null when another system has not said. */
  payment_method: string | null;
  ttl_seconds: number;
}

export interface Reservation {
  id: string;
  status: ReservationStatus;
  expires_at: Date;
}

/** A row of `reservations`, and whether its time has passed by the database's clock. */
export interface ReservationRow extends NewReservation {
  status: ReservationStatus;
  /** By how much it has been extended in all. */
  extended_seconds: number;
  expires_at: Date;
  overdue: boolean;
  reason: string | null;
  created_at: Date;
  ended_at: Date | null;
}

/**
 * A hold as it is seen: one that has run out is `expired`, noted or not, unless its order may still be paid; with the goods that
 * the ledger shows as taken for it.
 */
export interface ReservationWithItems extends ReservationRow {
  items: Goods[];
}

/** An active hold in the order of its end: when that is, in microseconds since 1970. */
export interface EndingReservation extends ReservationWithItems {
  expires_us: number;
}

/** So many pieces of a product. */
export interface Goods {
  product_id: number;
  quantity: number;
}

/** Lines naming one product twice are one, where the product is named first. */
export function summed(items: Goods[]): Goods[] {
  const quantities = new Map<number, number>();
  for (const { product_id, quantity } of items)
    quantities.set(product_id, (quantities.get(product_id) ?? 0) + quantity);
  return [...quantities].map(([product_id, quantity]) => ({ product_id, quantity }));
}

/** A hold whose time has passed while its goods are still held. */
export interface OverdueHold {
  id: string;
  order_ref: string;
  order_id: string | null;
}

/** What may still be had of goods that somebody was refused. */
export interface SecondLook {
  /** Products of which overdue holds that can be ended keep some, or enough is there by now: whoever was ending a hold is done. */
  worthRetrying: number[];
  /** Overdue orders keep some of it that are settled with a provider first. */
  awaited: boolean;
}

/** What to do about a row that somebody else has locked: wait for them, or leave it to them. */
export type WhenLocked = 'wait' | 'skip';

/**
 * Locks what these orders have in hand besides goods. It comes after the products in the lock order, and before the first of
 * the orders ends: whoever ends several would otherwise lock it in the order of their ends.
 */
export type LockNext = (orderIds: string[], tx: Tx) => Promise<void>;

/**
 * Ends the shop's own orders whose holds have run out. Inventory knows no orders, so the order module registers one of these
 * with `OverdueHolds` at its start.
 */
export interface OrderEnder {
  /** Locks those of these orders that may expire now, by ascending id, together with their holds. @returns their ids. */
  lockOverdue(orderIds: string[], whenLocked: WhenLocked, tx: Tx): Promise<string[]>;
  /** For orders that `lockOverdue` has locked in `tx`, after their products. */
  lockNext(orderIds: string[], tx: Tx): Promise<void>;
  /** Ends an order that `lockOverdue` has locked in `tx`. */
  expire(orderId: string, tx: Tx): Promise<void>;
  /** Asks the provider about the payments of these orders, and ends those that it does not know to be paid. Never in a transaction. */
  settle(orderIds: string[]): Promise<void>;
}

export type ReservationStatus = 'active' | 'fulfilled' | 'cancelled' | 'expired';
/** How a hold can end. */
export type ReservationEnd = Exclude<ReservationStatus, 'active'>;

export const MOVEMENT_KINDS = ['in', 'out', 'adjustment', 'taken', 'returned', 'restocked'] as const;
export type MovementKind = (typeof MOVEMENT_KINDS)[number];
/** The kinds that somebody enters; the others come from orders. */
export const ENTERED_KINDS = ['in', 'out', 'adjustment'] as const satisfies readonly MovementKind[];
export type EnteredKind = (typeof ENTERED_KINDS)[number];

/** `stock` sorts by something that moves: a product that sells between two pages may stand on both, or on neither. */
export const LOW_SORTS = ['id', 'stock'] as const;
export type LowSort = (typeof LOW_SORTS)[number];

/** Holds by their age, or those that run out first before the others. */
export const RESERVATION_SORTS = ['newest', 'expires'] as const;
export type ReservationSort = (typeof RESERVATION_SORTS)[number];

/** A row of the ledger. `delta` is signed: negative when stock went down. */
export interface Movement {
  id: number;
  product_id: number;
  kind: MovementKind;
  delta: number;
  stock_after: number;
  order_ref: string | null;
  reason: string | null;
  notes: string | null;
  created_at: Date;
}

/** A movement that no order stands behind, about to be written. */
export interface EnteredMovement {
  product_id: number;
  kind: EnteredKind;
  delta: number;
  stock_after: number;
}

/** What the ledger shows that an order has taken of one product. */
export interface Taken {
  product_id: number;
  quantity: number;
  stock_after: number;
  /** How much of it has come back; null before, and it comes back only once. */
  returned: number | null;
  /** The stock after it had come back. */
  returned_stock_after: number | null;
}

/** How much of what was taken is to come back: at most the quantity, or with null all of it. */
export interface GivingBack {
  product_id: number;
  quantity: number | null;
}

export interface MovementFilter {
  product_id?: number;
  order_ref?: string;
  kind?: MovementKind;
  /** Included. */
  from?: Date;
  /** Not included. */
  to?: Date;
}
