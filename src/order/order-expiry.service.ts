import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { Recurring } from '../platform/recurring.js';
import { OrderService } from './order.service.js';

const SWEEP_BATCH = 100;

/** Ends the orders that were not paid in time, every `RESERVATION_SWEEP_SECONDS`. */
@Injectable()
export class OrderExpiryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweep: Recurring;

  constructor(
    private readonly orders: OrderService,
    config: Config,
  ) {
    const intervalMs = config.env.RESERVATION_SWEEP_SECONDS * 1_000;
    this.sweep = new Recurring('order expiry', intervalMs, () => this.expireAll());
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweep.stop();
  }

  // A batch that ended none holds only orders which others are at, or which cannot be ended: leave those for later.
  private async expireAll(): Promise<void> {
    while ((await this.orders.expireOverdue(SWEEP_BATCH)) === SWEEP_BATCH);
  }
}
