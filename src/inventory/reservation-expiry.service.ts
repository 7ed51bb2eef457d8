import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { Recurring } from '../platform/recurring.js';
import { OverdueHolds } from './overdue-holds.service.js';

/** Ends the holds whose time has passed, every `RESERVATION_SWEEP_SECONDS`: those of the shop's orders and those of others. */
@Injectable()
export class ReservationExpiryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sweep: Recurring;

  constructor(overdueHolds: OverdueHolds, config: Config) {
    const intervalMs = config.env.RESERVATION_SWEEP_SECONDS * 1_000;
    this.sweep = new Recurring('reservation expiry', intervalMs, (stopping) => overdueHolds.sweep(stopping));
  }

  onApplicationBootstrap(): void {
    this.sweep.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sweep.stop();
  }
}
