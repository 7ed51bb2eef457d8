import { RateLimiterCluster, type RateLimiterRes } from 'rate-limiter-flexible';
import { InsuredCounter } from './insured-counter.js';
import { type CallCounter, MemoryRateLimitStore, RateLimitStore } from './rate-limit.store.js';

const ANSWER_TIMEOUT_MS = 250;

/** In the primary of a cluster: the workers of one machine have one count. The primary has to call `countForWorkers`. */
export class ClusterRateLimitStore extends RateLimitStore {
  private readonly own = new MemoryRateLimitStore();

  counter(name: string, calls: number, seconds: number, mustCount: boolean): CallCounter {
    const shared = new RateLimiterCluster({
      keyPrefix: name,
      points: calls,
      duration: seconds,
      timeoutMs: ANSWER_TIMEOUT_MS,
    });
    return new InsuredCounter(
      new WhileConnected(shared),
      mustCount ? this.own.counter(name, calls, seconds) : null,
    );
  }
}

/** A worker that is told to stop has no channel to its primary any more, and to write on it would end it at once. */
class WhileConnected implements CallCounter {
  constructor(private readonly limiter: RateLimiterCluster) {}

  async consume(key: string): Promise<RateLimiterRes> {
    assertConnected();
    return this.limiter.consume(key);
  }

  async reward(key: string): Promise<unknown> {
    assertConnected();
    return this.limiter.reward(key);
  }
}

function assertConnected(): void {
  if (!process.connected) throw new Error('the primary cannot be asked');
}
