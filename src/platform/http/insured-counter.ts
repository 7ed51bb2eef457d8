import { RateLimiterRes } from 'rate-limiter-flexible';
import { type CallCounter, Uncounted } from './rate-limit.store.js';

/**
 * A counter that others share, and what goes when it cannot be asked: this process's own count, or none, and then the call is
 * `Uncounted`. Not the library's own insurance, whose memory has no bound and which does not tell that it was used.
 */
export class InsuredCounter implements CallCounter {
  constructor(
    private readonly shared: Pick<CallCounter, 'consume' | 'reward'>,
    private readonly own: CallCounter | null,
  ) {}

  async consume(key: string): Promise<RateLimiterRes> {
    try {
      return await this.shared.consume(key);
    } catch (rejection) {
      if (rejection instanceof RateLimiterRes) throw rejection;
      if (this.own === null) throw new Uncounted((rejection as Error).message);
      return this.own.consume(key);
    }
  }

  // Where it was counted is not remembered: at worst one more call is allowed when that has changed meanwhile.
  async reward(key: string): Promise<void> {
    await this.shared.reward(key).catch(() => this.own?.reward(key));
  }
}
