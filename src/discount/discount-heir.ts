import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type GuestHeir, GuestHeirs } from '../auth/guest-heirs.js';
import type { Tx } from '../platform/database/tx.js';
import { DiscountRepository } from './discount.repository.js';

/** What a guest has used is used by the user whom the guest turns out to be: a code for each user once stays so. */
@Injectable()
export class DiscountHeir implements GuestHeir, OnModuleInit {
  constructor(
    private readonly repository: DiscountRepository,
    private readonly heirs: GuestHeirs,
  ) {}

  onModuleInit(): void {
    this.heirs.register(this);
  }

  async handOver(guestId: number, userId: number, tx: Tx): Promise<void> {
    await this.repository.handOver(guestId, userId, tx);
  }
}
