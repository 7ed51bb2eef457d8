import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Recurring } from '../platform/recurring.js';
import { UserRepository } from './user.repository.js';

const INTERVAL_MS = 3_600_000;
/** In a transaction of its own: locks stay few, and a stop does not wait for long. */
const BATCH = 500;

/** Removes guests who have not returned for `GUEST_TTL_DAYS`, with their carts. Whoever has ordered anything stays. */
@Injectable()
export class GuestCleanup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly cleanup: Recurring;
  private isStopping = false;

  constructor(
    private readonly database: DatabaseService,
    private readonly users: UserRepository,
    private readonly config: Config,
  ) {
    this.cleanup = new Recurring('guest cleanup', INTERVAL_MS, () => this.removeIdle());
  }

  onApplicationBootstrap(): void {
    this.cleanup.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    await this.cleanup.stop();
  }

  /** Idempotent, and harmless beside another instance's. @returns how many have gone. */
  async removeIdle(): Promise<number> {
    let total = 0;
    while (!this.isStopping) {
      const removed = await this.database.transaction((tx) =>
        this.users.dropIdleGuests(this.config.env.GUEST_TTL_DAYS, BATCH, tx),
      );
      total += removed;
      if (removed < BATCH) break;
    }
    return total;
  }
}
