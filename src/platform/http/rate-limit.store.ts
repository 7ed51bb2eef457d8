import { Injectable } from '@nestjs/common';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';

/** Those who count together cannot be asked, and this process does not count such calls by itself: let it through. */
export class Uncounted extends Error {
  override readonly name = 'Uncounted';
}

/** Counts calls by whom they are for, in windows that begin with somebody's first call. */
export interface CallCounter {
  /** Counts one call. Rejects with the `RateLimiterRes`, and not with an error, when it is one too many. @throws Uncounted */
  consume(key: string): Promise<RateLimiterRes>;
  /** Takes one call back. */
  reward(key: string): Promise<unknown>;
}

/** Where calls are counted: in this process, by its primary, or in Redis, where instances share their counts. */
export abstract class RateLimitStore {
  /** A counter of its own for each name. `mustCount`: also while those who share it cannot be asked, and then for itself. */
  abstract counter(name: string, calls: number, seconds: number, mustCount: boolean): CallCounter;
}

/** In this process: each instance counts for itself, and starts from zero. */
@Injectable()
export class MemoryRateLimitStore extends RateLimitStore {
  counter(name: string, calls: number, seconds: number): CallCounter {
    return new BoundedCounter(name, calls, seconds);
  }
}

const KEYS_MAX = 10_000;

/**
 * Remembers the windows of the 10 000 that came last, of whom there are more only when many addresses attack at once: whose
 * window is forgotten begins another.
 */
class BoundedCounter implements CallCounter {
  private readonly limiter: RateLimiterMemory;
  /** When each window ends, in the order in which they have begun. */
  private readonly windows = new Map<string, number>();

  constructor(
    name: string,
    calls: number,
    private readonly seconds: number,
  ) {
    this.limiter = new RateLimiterMemory({ keyPrefix: name, points: calls, duration: seconds });
  }

  consume(key: string): Promise<RateLimiterRes> {
    this.note(key);
    return this.limiter.consume(key);
  }

  async reward(key: string): Promise<void> {
    if (this.windows.has(key)) await this.limiter.reward(key);
  }

  private note(key: string): void {
    const now = Date.now();
    if ((this.windows.get(key) ?? 0) > now) return;
    this.forget(key);
    for (const [oldest, end] of this.windows) {
      if (end > now && this.windows.size < KEYS_MAX) break;
      this.forget(oldest);
    }
    this.windows.set(key, now + this.seconds * 1_000);
  }

  private forget(key: string): void {
    this.windows.delete(key);
    void this.limiter.delete(key);
  }
}
