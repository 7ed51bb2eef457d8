import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { CheckoutModule } from '../checkout/checkout.module.js';
import { EventModule } from '../event/event.module.js';
import { OrderModule } from '../order/order.module.js';
import { StorefrontModule } from '../storefront/storefront.module.js';
import { WebhookModule } from '../webhook/webhook.module.js';
import { AdminActionsController } from './admin-actions.controller.js';
import { AdminApiKeysController } from './admin-api-keys.controller.js';
import { AdminEventsController } from './admin-events.controller.js';
import { AdminOrdersController } from './admin-orders.controller.js';
import { AdminStorefrontsController } from './admin-storefronts.controller.js';
import { AdminUsersController } from './admin-users.controller.js';
import { AdminWebhooksController } from './admin-webhooks.controller.js';

@Module({
  imports: [AuthModule, OrderModule, CheckoutModule, EventModule, StorefrontModule, WebhookModule],
  controllers: [
    AdminActionsController,
    AdminApiKeysController,
    AdminEventsController,
    AdminOrdersController,
    AdminStorefrontsController,
    AdminUsersController,
    AdminWebhooksController,
  ],
})
export class AdminModule {}
