import { Global, Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { HealthService } from './health.service.js';
import { MetricsController } from './metrics.controller.js';
import { Metrics } from './metrics.service.js';
import { PoolMetrics } from './pool.metrics.js';
import { ProcessMetrics } from './process.metrics.js';

@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [HealthService, Metrics, ProcessMetrics, PoolMetrics],
  exports: [HealthService, Metrics],
})
export class ObservabilityModule {}
