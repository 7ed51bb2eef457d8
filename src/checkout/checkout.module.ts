import { Module } from '@nestjs/common';
import { CartModule } from '../cart/cart.module.js';
import { OrderModule } from '../order/order.module.js';
import { PaymentModule } from '../payment/payment.module.js';
import { CancellationController } from './cancellation.controller.js';
import { CancellationService } from './cancellation.service.js';
import { CheckoutController } from './checkout.controller.js';
import { CheckoutService } from './checkout.service.js';
import { OrderPaymentService } from './order-payment.service.js';
import { OrderRefundService } from './order-refund.service.js';
import { PaymentWebhookController } from './payment-webhook.controller.js';
import { PaymentWebhookService } from './payment-webhook.service.js';
import { RecoveryService } from './recovery.service.js';
import { RefundingService } from './refunding.service.js';
import { SettlementService } from './settlement.service.js';

@Module({
  imports: [CartModule, OrderModule, PaymentModule],
  controllers: [CheckoutController, CancellationController, PaymentWebhookController],
  providers: [
    CheckoutService,
    OrderPaymentService,
    OrderRefundService,
    CancellationService,
    SettlementService,
    RefundingService,
    PaymentWebhookService,
    RecoveryService,
  ],
  exports: [OrderPaymentService, OrderRefundService, CancellationService],
})
export class CheckoutModule {}
