import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Recurring } from '../platform/recurring.js';
import { RefreshTokenRepository } from './refresh-token.repository.js';

const INTERVAL_MS = 3_600_000;
const BATCH = 1_000;

/** Removes refresh tokens whose time is over. Housekeeping: an expired token is refused whether it is still there or not. */
@Injectable()
export class RefreshTokenCleanup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly cleanup: Recurring;

  constructor(private readonly refreshTokens: RefreshTokenRepository) {
    this.cleanup = new Recurring('refresh token cleanup', INTERVAL_MS, (stopping) =>
      this.removeExpired(stopping),
    );
  }

  onApplicationBootstrap(): void {
    this.cleanup.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.cleanup.stop();
  }

  /** Idempotent, and harmless beside another instance's. */
  async removeExpired(stopping?: AbortSignal): Promise<void> {
    while (!stopping?.aborted && (await this.refreshTokens.deleteExpired(BATCH)) === BATCH);
  }
}
