import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { createClient } from '@redis/client';
import { Config } from '../config/config.js';
import { HealthService } from '../observability/health.service.js';
import { Metrics } from '../observability/metrics.service.js';
import { Recurring } from '../recurring.js';

export type RedisClient = ReturnType<typeof createClient>;

/** For which nobody waits: who has asked goes on without. */
const ANSWER_TIMEOUT_MS = 250;
const CONNECT_TIMEOUT_MS = 1_000;
const LOOK_INTERVAL_MS = 1_000;
const PROBE = `return redis.call('set', KEYS[1], '1', 'EX', 60)`;

/** Redis cannot be asked: it is away, it hangs, or there is none. What was asked of it may have been done. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';
}

/**
 * The Redis that `REDIS_URL` names, for what several instances share and can do without. While it is away nobody waits for it:
 * the first call that is not answered in time gives its connection up, and all that follow fail at once until a look, one each
 * second, finds it well again.
 *
 * The client's own reconnecting is switched off: it would wait for ever for a server that takes connections and says nothing.
 */
@Injectable()
export class RedisService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Redis');
  private readonly looking = new Recurring('the look at Redis', LOOK_INTERVAL_MS, () => this.look());
  private readonly url: string | undefined;
  private client: RedisClient | null = null;
  private isKnownLost = false;

  constructor({ env }: Config, metrics: Metrics, health: HealthService) {
    this.url = env.REDIS_URL;
    const up = 'Whether the Redis that rate limits are shared by can be used: 1, or 0.';
    metrics.gaugeOf('rate_limit_redis_up', up, () => (this.isConfigured ? Number(this.isUp) : null));
    if (!this.isConfigured) return;
    health.watch('redis', async () => (this.isUp ? 'up' : 'degraded'), { onDatabase: false });
  }

  get isConfigured(): boolean {
    return this.url !== undefined;
  }

  get isUp(): boolean {
    return this.client !== null;
  }

  /** A start does not fail without it, and waits for it no longer than for one connection. */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.isConfigured) return;
    await this.look();
    this.looking.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.looking.stop();
    this.client?.destroy();
    this.client = null;
  }

  /** What Redis answers within a quarter of a second. @throws RedisUnavailable, at once while it is known to be away. */
  async ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T> {
    const { client } = this;
    if (client === null) throw new RedisUnavailable('Redis is away');
    try {
      return await inTime(question(client), ANSWER_TIMEOUT_MS);
    } catch (error) {
      this.lose(client, error as Error);
      throw new RedisUnavailable((error as Error).message);
    }
  }

  // By a script that writes, as counting does: one that only reads, is loading or is full is of no use, either.
  private async look(): Promise<void> {
    const probe = (client: RedisClient) => client.eval(PROBE, { keys: ['holdfast:probe'] });
    if (this.client !== null) {
      await this.ask(probe).catch(() => undefined);
      return;
    }
    const client = await this.newClient();
    try {
      await inTime(
        client.connect().then(() => probe(client)),
        CONNECT_TIMEOUT_MS,
      );
      this.client = client;
      if (this.isKnownLost) this.logger.log('Redis is back: rate limits are shared again');
      this.isKnownLost = false;
    } catch (error) {
      client.destroy();
      this.noteLost(error as Error);
    }
  }

  // Fetched here and not above: most run without Redis, and its client is five hundred modules.
  private async newClient(): Promise<RedisClient> {
    const { createClient } = await import('@redis/client');
    const client = createClient({
      url: this.url as string,
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy: false },
    });
    client.on('error', (error: Error) => this.lose(client as RedisClient, error));
    return client as RedisClient;
  }

  // Several may find out, and a client tells it more than once.
  private lose(client: RedisClient, error: Error): void {
    if (this.client !== client) return;
    this.client = null;
    client.destroy();
    this.noteLost(error);
  }

  private noteLost(error: Error): void {
    if (this.isKnownLost) return;
    this.isKnownLost = true;
    this.logger.warn(
      `Redis cannot be used: ${error.message}; until it is back, this process limits logins for itself, and lets others through`,
    );
  }
}

async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const late = () => reject(new Error(`no answer within ${timeoutMs} ms`));
  // One turn later: when it was us who were late, the answer has come by now and only has to be read.
  const timer = setTimeout(() => setImmediate(late), timeoutMs);
  // Whoever is late has nobody to tell.
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, promise]);
  } finally {
    clearTimeout(timer);
  }
}
