import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';

/** A module that keeps things of users, and hands those of a guest on to the user whom the guest turns out to be. */
export interface GuestHeir {
  /** Locks what comes before the guest's own row in the lock order, until `tx` ends. Called twice, see `Guests.handOver`. */
  lock?(guestId: number, tx: Tx): Promise<void>;
  /** Hands everything on, in a `tx` that has the guest's row locked. Whatever refers to the guest afterwards is a fault. */
  handOver(guestId: number, userId: number, tx: Tx): Promise<void>;
}

/**
 * Who has to be asked when a guest becomes somebody. A module that refers to users registers here when it starts; auth
 * itself knows none of them.
 */
@Injectable()
export class GuestHeirs {
  private readonly heirs: GuestHeir[] = [];

  register(heir: GuestHeir): void {
    this.heirs.push(heir);
  }

  async lock(guestId: number, tx: Tx): Promise<void> {
    for (const heir of this.heirs) await heir.lock?.(guestId, tx);
  }

  async handOver(guestId: number, userId: number, tx: Tx): Promise<void> {
    for (const heir of this.heirs) await heir.handOver(guestId, userId, tx);
  }
}
