import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { Config } from '../platform/config/config.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { PaymentGateways } from './gateway/payment-gateways.js';
import { PaymentController } from './payment.controller.js';
import { measuring, PaymentMetrics, PaymentOutcomes } from './payment.metrics.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';
import { PaymentFiguresRepository } from './payment-figures.repository.js';
import { PaymentFigures } from './payment-figures.service.js';
import { PaymentMetricsRepository } from './payment-metrics.repository.js';
import { PaymentNotifications } from './payment-notifications.service.js';
import { RefundRepository } from './refund.repository.js';
import { RefundService } from './refund.service.js';

@Module({
  imports: [EventModule],
  controllers: [PaymentController],
  providers: [
    PaymentRepository,
    PaymentService,
    RefundRepository,
    RefundService,
    PaymentNotifications,
    PaymentMetrics,
    PaymentOutcomes,
    PaymentMetricsRepository,
    PaymentFiguresRepository,
    PaymentFigures,
    {
      provide: PaymentGateways,
      inject: [Config, Metrics],
      useFactory: (config: Config, metrics: Metrics) => PaymentGateways.of(config, measuring(metrics)),
    },
  ],
  exports: [PaymentService, RefundService, PaymentNotifications, PaymentFigures],
})
export class PaymentModule {}
