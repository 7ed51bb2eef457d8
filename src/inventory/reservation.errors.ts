import { DomainError, NotFound } from '../platform/errors.js';
import type { OverdueHold, ReservationStatus } from './inventory.types.js';

export class ReservationNotFound extends NotFound {
  constructor() {
    super('reservation not found');
  }
}

/** The hold has ended, in another way than is asked for. Nothing was changed. */
export class ReservationNotActive extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'reservation_not_active';
  override readonly members: { reservation_status: ReservationStatus };

  constructor(status: ReservationStatus) {
    super(`the reservation is no longer active: it is ${status}`);
    this.members = { reservation_status: status };
  }
}

/** The hold's time has passed, and nobody has ended it yet. To a client that is one that has expired. */
export class ReservationRanOut extends ReservationNotActive {
  constructor(readonly hold: OverdueHold) {
    super('expired');
  }
}

/** All extensions of a hold together would be longer than its first time. */
export class ExtensionTooLong extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'extension_too_long';
  override readonly members: { seconds_left: number };

  constructor(secondsLeft: number) {
    super(`the reservation can be extended by ${secondsLeft} more seconds at most`);
    this.members = { seconds_left: secondsLeft };
  }
}

/** Goods were taken for this order id before, and not by this very reservation. */
export class OrderIdTaken extends DomainError {
  readonly kind = 'conflict';
  readonly code = 'order_id_taken';

  constructor(orderRef: string) {
    super(`the order id ${orderRef} has been used for other goods`);
  }
}
