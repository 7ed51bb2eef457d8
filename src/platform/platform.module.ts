import cluster from 'node:cluster';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { Drain } from './http/drain.js';
import { LoadShedding } from './http/load-shedding.js';
import { ClusterRateLimitStore } from './http/rate-limit.cluster.js';
import { RateLimits } from './http/rate-limit.js';
import { RedisRateLimitStore } from './http/rate-limit.redis.js';
import { MemoryRateLimitStore, RateLimitStore } from './http/rate-limit.store.js';
import { RequestDoor } from './http/request-door.js';
import { TimeLimits } from './http/time-limits.js';
import { IdempotencyModule } from './idempotency/idempotency.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { Money } from './money.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { RedisModule } from './redis/redis.module.js';
import { RedisService } from './redis/redis.service.js';
import { WorkerNews } from './worker-news.js';

/** What every module stands on and none has to import. Knows no business. */
@Global()
@Module({
  providers: [
    Money,
    Drain,
    RateLimits,
    RequestDoor,
    TimeLimits,
    LoadShedding,
    WorkerNews,
    { provide: RateLimitStore, useFactory: rateLimitStore, inject: [RedisService] },
  ],
  exports: [Money, Drain, RateLimits, RequestDoor, TimeLimits, LoadShedding, WorkerNews],
})
export class PlatformModule {
  static with(config: Config, sequelize: Sequelize): DynamicModule {
    return {
      module: PlatformModule,
      imports: [
        ConfigModule.with(config),
        DatabaseModule.with(sequelize),
        IdempotencyModule,
        ObservabilityModule,
        RedisModule,
        JobsModule,
      ],
    };
  }
}

/** Where those count who share their limits: the instances over Redis, the workers of one machine by their primary. */
function rateLimitStore(redis: RedisService): RateLimitStore {
  if (redis.isConfigured) return new RedisRateLimitStore(redis);
  return cluster.isWorker ? new ClusterRateLimitStore() : new MemoryRateLimitStore();
}
