import { Module } from '@nestjs/common';
import { CartModule } from '../cart/cart.module.js';
import { OrderModule } from '../order/order.module.js';
import { PaymentModule } from '../payment/payment.module.js';
import { CheckoutController } from './checkout.controller.js';
import { CheckoutService } from './checkout.service.js';
import { OrderPaymentService } from './order-payment.service.js';
import { RecoveryService } from './recovery.service.js';
import { SettlementService } from './settlement.service.js';

@Module({
  imports: [CartModule, OrderModule, PaymentModule],
  controllers: [CheckoutController],
  providers: [CheckoutService, OrderPaymentService, SettlementService, RecoveryService],
  exports: [OrderPaymentService],
})
export class CheckoutModule {}
