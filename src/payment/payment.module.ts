import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { Config } from '../platform/config/config.js';
import { PaymentGateway } from './gateway/payment-gateway.js';
import { YookassaGateway } from './gateway/yookassa.gateway.js';
import { PaymentController } from './payment.controller.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';

@Module({
  imports: [EventModule],
  controllers: [PaymentController],
  providers: [
    PaymentRepository,
    PaymentService,
    { provide: PaymentGateway, inject: [Config], useFactory: (config: Config) => gatewayOf(config) },
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
