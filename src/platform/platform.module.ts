import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { Drain } from './http/drain.js';
import { RateLimits } from './http/rate-limit.js';
import { MemoryRateLimitStore, RateLimitStore } from './http/rate-limit.store.js';
import { RequestDoor } from './http/request-door.js';
import { IdempotencyModule } from './idempotency/idempotency.module.js';
import { JobsModule } from './jobs/jobs.module.js';
import { Money } from './money.js';
import { ObservabilityModule } from './observability/observability.module.js';

/** What every module stands on and none has to import. Knows no business. */
@Global()
@Module({
  providers: [
    Money,
    Drain,
    RateLimits,
    RequestDoor,
    { provide: RateLimitStore, useClass: MemoryRateLimitStore },
  ],
  exports: [Money, Drain, RateLimits, RequestDoor],
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
        JobsModule,
      ],
    };
  }
}
