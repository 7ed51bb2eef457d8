import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { RedisClient, RedisService } from '../redis/redis.service.js';
import { InsuredCounter } from './insured-counter.js';
import { type CallCounter, MemoryRateLimitStore, RateLimitStore } from './rate-limit.store.js';

/** In Redis: all instances have one count. Each call is one script, which counts and tells how one stands. */
export class RedisRateLimitStore extends RateLimitStore {
  private readonly own = new MemoryRateLimitStore();
  private readonly storeClient;

  constructor(redis: RedisService) {
    super();
    // All that the limiter calls. The connection behind it may be another one by the next call.
    this.storeClient = {
      eval: (...script: Parameters<RedisClient['eval']>) => redis.ask((client) => client.eval(...script)),
    };
  }

  counter(name: string, calls: number, seconds: number, mustCount: boolean): CallCounter {
    const { storeClient } = this;
    const shared = new RateLimiterRedis({
      storeClient,
      useRedisPackage: true,
      keyPrefix: `holdfast:rate:${name}`,
      points: calls,
      duration: seconds,
    });
    return new InsuredCounter(shared, mustCount ? this.own.counter(name, calls, seconds) : null);
  }
}
