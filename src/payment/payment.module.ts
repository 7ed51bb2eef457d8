import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { Config } from '../platform/config/config.js';
import { PaymentGateway } from './gateway/payment-gateway.js';
import { PaymentGateways } from './gateway/payment-gateways.js';
import { PaymentController } from './payment.controller.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';

@Module({
  imports: [EventModule],
  controllers: [PaymentController],
  providers: [
    PaymentRepository,
    PaymentService,
    {
      provide: PaymentGateways,
      inject: [Config],
      useFactory: (config: Config) => PaymentGateways.of(config),
    },
    {
      provide: PaymentGateway,
      inject: [PaymentGateways],
      useFactory: (gateways: PaymentGateways) => gateways.current,
    },
  ],
  exports: [PaymentService],
})
export class PaymentModule {}
