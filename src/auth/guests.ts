import { Injectable } from '@nestjs/common';
import { SqlState, sqlStateOf } from '../platform/database/database.errors.js';
import type { Tx } from '../platform/database/tx.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { GuestHeirs } from './guest-heirs.js';
import { UserRepository } from './user.repository.js';

/** Those who buy without an account, until they have one. */
@Injectable()
export class Guests {
  constructor(
    private readonly users: UserRepository,
    private readonly heirs: GuestHeirs,
    private readonly idempotency: IdempotencyService,
  ) {}

  /**
   * Everything of the guest's becomes the user's, and the guest is gone, all in the caller's `tx`. Once: there is nothing to
   * hand over, and nothing happens, when somebody has done it before.
   *
   * What the guest's own requests are doing at this moment is either waited for and handed over, or finds the guest gone and
   * is refused: the foreign keys see to that.
   */
  async handOver(guestId: number, userId: number, tx: Tx): Promise<void> {
    // Orders come before the guest's row: a placement that ends an overdue order of theirs waits for that row at its end.
    await this.heirs.lock(guestId, tx);
    if (!(await this.users.lockGuest(guestId, tx))) return;
    // Once more: what we have waited for is there now.
    await this.heirs.lock(guestId, tx);
    // So that a repeat of what the guest has asked for is answered the same, and not done again.
    await this.idempotency.handOver(guestId, userId, tx);
    await this.heirs.handOver(guestId, userId, tx);
    await this.drop(guestId, tx);
  }

  private async drop(guestId: number, tx: Tx): Promise<void> {
    try {
      await this.users.dropGuest(guestId, tx);
    } catch (error) {
      if (sqlStateOf(error) !== SqlState.foreignKeyViolation) throw error;
      throw new Error(`something still belongs to guest ${guestId}: its module is no GuestHeir`, {
        cause: error,
      });
    }
  }
}
