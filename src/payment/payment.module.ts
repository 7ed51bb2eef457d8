import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { Config } from '../platform/config/config.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { PaymentGateway } from './gateway/payment-gateway.js';
import { YookassaGateway } from './gateway/yookassa.gateway.js';
import { PaymentController } from './payment.controller.js';
import { measured, PaymentMetrics } from './payment.metrics.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';
import { PaymentMetricsRepository } from './payment-metrics.repository.js';

@Module({
  imports: [EventModule],
  controllers: [PaymentController],
  providers: [
    PaymentRepository,
    PaymentService,
    PaymentMetrics,
    PaymentMetricsRepository,
    {
      provide: PaymentGateway,
      inject: [Config, Metrics],
      useFactory: (config: Config, metrics: Metrics) => measured(gatewayOf(config), metrics),
    },
  ],
  exports: [PaymentService],
})
export class PaymentModule {}

/** The sandbox speaks YooKassa's protocol, so both stand behind the same adapter. */
function gatewayOf({ env, paymentApiUrl }: Config): PaymentGateway {
  return new YookassaGateway({
    name: env.PAYMENT_PROVIDER,
    apiUrl: paymentApiUrl,
    shopId: env.YOOKASSA_SHOP_ID ?? '',
    secretKey: env.YOOKASSA_SECRET_KEY ?? '',
    timeoutMs: env.PAYMENT_TIMEOUT_MS,
  });
}
