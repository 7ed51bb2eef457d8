import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type GuestHeir, GuestHeirs } from '../auth/guest-heirs.js';
import type { Tx } from '../platform/database/tx.js';
import { OrderRepository } from './order.repository.js';

/** The orders of a guest become those of the user whom the guest turns out to be, with their holds and payments. */
@Injectable()
export class OrderHeir implements GuestHeir, OnModuleInit {
  constructor(
    private readonly repository: OrderRepository,
    private readonly heirs: GuestHeirs,
  ) {}

  onModuleInit(): void {
    this.heirs.register(this);
  }

  /** Waits for whatever moves one of them. */
  async lock(guestId: number, tx: Tx): Promise<void> {
    await this.repository.lockOfUser(guestId, tx);
  }

  async handOver(guestId: number, userId: number, tx: Tx): Promise<void> {
    await this.repository.handOver(guestId, userId, tx);
  }
}
