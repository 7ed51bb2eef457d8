import { Module } from '@nestjs/common';
import { CheckoutModule } from '../checkout/checkout.module.js';
import { OrderModule } from '../order/order.module.js';
import { AdminOrdersController } from './admin-orders.controller.js';

@Module({ imports: [OrderModule, CheckoutModule], controllers: [AdminOrdersController] })
export class AdminModule {}
