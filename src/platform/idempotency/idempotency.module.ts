import { Global, Module } from '@nestjs/common';
import { IdempotencyMetrics } from './idempotency.metrics.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { IdempotencyService } from './idempotency.service.js';

@Global()
@Module({
  providers: [IdempotencyRepository, IdempotencyService, IdempotencyMetrics],
  exports: [IdempotencyService],
})
export class IdempotencyModule {}
