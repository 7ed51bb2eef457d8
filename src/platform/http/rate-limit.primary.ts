import cluster, { type Worker } from 'node:cluster';
import { RateLimiterClusterMaster } from 'rate-limiter-flexible';
import { type CallCounter, MemoryRateLimitStore } from './rate-limit.store.js';

interface Opening {
  channel: string;
  type: string;
  opts: { keyPrefix: string; points: number; duration: number };
}

/**
 * Lets the workers of this process share their rate limits (see `ClusterRateLimitStore`). To be called once by the primary of a
 * cluster, before the first worker is forked.
 */
export function countForWorkers(): void {
  const { _rateLimiters: counters } = new RateLimiterClusterMaster() as unknown as {
    _rateLimiters: Record<string, CallCounter>;
  };
  const store = new MemoryRateLimitStore();
  const bounded = new Set<string>();
  // The library has made a counter of its own by now, which remembers everybody for as long as their window goes.
  cluster.on('message', (_worker: Worker, message: Opening | undefined) => {
    if (message?.channel !== 'rate_limiter_flexible' || message.type !== 'init') return;
    const { keyPrefix, points, duration } = message.opts;
    if (bounded.has(keyPrefix)) return;
    bounded.add(keyPrefix);
    counters[keyPrefix] = store.counter(keyPrefix, points, duration);
  });
  // An answer to a worker that was killed meanwhile is an error of that worker, and unheard it would end the primary.
  cluster.on('fork', (worker: Worker) => worker.on('error', () => undefined));
}
