import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type GuestHeir, GuestHeirs } from '../auth/guest-heirs.js';
import type { Tx } from '../platform/database/tx.js';
import { uuidv7 } from '../platform/uuid.js';
import { CartRepository } from './cart.repository.js';

/** The cart of a guest is added to that of the user whom the guest turns out to be. */
@Injectable()
export class CartHeir implements GuestHeir, OnModuleInit {
  constructor(
    private readonly repository: CartRepository,
    private readonly heirs: GuestHeirs,
  ) {}

  onModuleInit(): void {
    this.heirs.register(this);
  }

  /**
   * Quantities of one product add up, to at most 99. A user without a cart gets the guest's own, so that an order which is
   * buying it still finds it. Otherwise what such an order is buying is not carried over. Locks both carts until `tx` ends.
   */
  async handOver(guestId: number, userId: number, tx: Tx): Promise<void> {
    if ((await this.repository.lockOfUser(guestId, tx)) === null) return;
    const newCartId = uuidv7();
    // Made when there is none, since what is not there cannot be locked.
    await this.repository.take(userId, newCartId, tx);
    if ((await this.repository.lockOfUser(userId, tx)) === newCartId) {
      await this.repository.drop(userId, tx);
      await this.repository.giveTo(guestId, userId, tx);
      return;
    }
    await this.repository.addLines(guestId, userId, tx);
    await this.repository.drop(guestId, tx);
  }
}
