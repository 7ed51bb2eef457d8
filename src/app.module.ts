import { type DynamicModule, Module } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { AdminModule } from './admin/admin.module.js';
import { AuditModule } from './audit/audit.module.js';
import { AuthModule } from './auth/auth.module.js';
import { CartModule } from './cart/cart.module.js';
import { CheckoutModule } from './checkout/checkout.module.js';
import { DiscountModule } from './discount/discount.module.js';
import { EventModule } from './event/event.module.js';
import { InventoryModule } from './inventory/inventory.module.js';
import { OrderModule } from './order/order.module.js';
import { PaymentModule } from './payment/payment.module.js';
import type { Config } from './platform/config/config.js';
import { PlatformModule } from './platform/platform.module.js';
import { PointsModule } from './points/points.module.js';
import { ProductModule } from './product/product.module.js';
import { StorefrontModule } from './storefront/storefront.module.js';
import { TrailModule } from './trail/trail.module.js';
import { WebhookModule } from './webhook/webhook.module.js';

/** The table of contents. */
@Module({})
export class AppModule {
  static with(config: Config, sequelize: Sequelize): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(config, sequelize),
        TrailModule,
        AuthModule,
        StorefrontModule,
        ProductModule,
        InventoryModule,
        DiscountModule,
        PointsModule,
        CartModule,
        OrderModule,
        PaymentModule,
        CheckoutModule,
        EventModule,
        WebhookModule,
        AuditModule,
        AdminModule,
      ],
    };
  }
}
