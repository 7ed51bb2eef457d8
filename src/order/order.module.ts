import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { InventoryModule } from '../inventory/inventory.module.js';
import { ProductModule } from '../product/product.module.js';
import { OrderController } from './order.controller.js';
import { OrderRepository } from './order.repository.js';
import { OrderService } from './order.service.js';
import { OrderExpiryService } from './order-expiry.service.js';
import { OrderHeir } from './order-heir.js';
import { PlacementService } from './placement/placement.service.js';
import { PlacementTransaction } from './placement/placement.transaction.js';

@Module({
  imports: [ProductModule, InventoryModule, EventModule],
  controllers: [OrderController],
  providers: [
    OrderRepository,
    PlacementTransaction,
    PlacementService,
    OrderService,
    OrderExpiryService,
    OrderHeir,
  ],
  exports: [OrderService],
})
export class OrderModule {}
