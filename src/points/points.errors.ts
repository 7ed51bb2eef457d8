import { DomainError } from '../platform/errors.js';

/** There are fewer points than were to be redeemed. A guest has none. */
export class PointsInsufficient extends DomainError {
  readonly kind = 'invalid';
  readonly code = 'points_insufficient';
  override readonly members: { requested: number; balance: number };

  constructor(requested: number, balance: number) {
    super(`${requested} points were to be redeemed, and there are ${balance}`);
    this.members = { requested, balance };
  }
}
