import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuthModule } from '../auth/auth.module.js';
import { CheckoutModule } from '../checkout/checkout.module.js';
import { EventModule } from '../event/event.module.js';
import { InventoryModule } from '../inventory/inventory.module.js';
import { OrderModule } from '../order/order.module.js';
import { PaymentModule } from '../payment/payment.module.js';
import { StorefrontModule } from '../storefront/storefront.module.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { AdminActionsController } from './admin-actions.controller.js';
import { AdminApiKeysController } from './admin-api-keys.controller.js';
import { AdminDashboardController } from './admin-dashboard.controller.js';
import { AdminEventsController } from './admin-events.controller.js';
import { AdminOrdersController } from './admin-orders.controller.js';
import { AdminStorefrontsController } from './admin-storefronts.controller.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AdminWebhooksController } from './admin-webhooks.controller.js';
import { DashboardService } from './dashboard.service.js';

@Module({
  imports: [
    AuthModule,
    AuditModule,
    OrderModule,
    InventoryModule,
    PaymentModule,
    CheckoutModule,
    EventModule,
    StorefrontModule,
    WebhookModule,
  ],
  controllers: [
    AdminActionsController,
    AdminApiKeysController,
    AdminDashboardController,
    AdminEventsController,
    AdminOrdersController,
    AdminStorefrontsController,
    AdminUsersController,
    AdminWebhooksController,
  ],
  providers: [DashboardService],
})
export class AdminModule {}
