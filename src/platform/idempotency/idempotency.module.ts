import { Global, Module } from '@nestjs/common';
import { AnswerSeal } from './answer-seal.js';
import { IdempotencyMetrics } from './idempotency.metrics.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { IdempotencyService } from './idempotency.service.js';

@Global()
@Module({
  providers: [IdempotencyRepository, AnswerSeal, IdempotencyService, IdempotencyMetrics],
  exports: [IdempotencyService, IdempotencyMetrics],
})
export class IdempotencyModule {}
