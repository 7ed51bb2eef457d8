import { Module } from '@nestjs/common';
import { DiscountModule } from '../discount/discount.module.js';
import { EventModule } from '../event/event.module.js';
import { InventoryModule } from '../inventory/inventory.module.js';
import { PointsModule } from '../points/points.module.js';
import { ProductModule } from '../product/product.module.js';
import { FulfilmentService } from './fulfilment.service.js';
import { OrderController } from './order.controller.js';
import { OrderMetrics } from './order.metrics.js';
import { OrderRepository } from './order.repository.js';
import { OrderService } from './order.service.js';
import { OrderBenefits } from './order-benefits.service.js';
import { OrderExpiryService } from './order-expiry.service.js';
import { OrderFiguresRepository } from './order-figures.repository.js';
import { OrderFigures } from './order-figures.service.js';
import { OrderHeir } from './order-heir.js';
import { OrderLife } from './order-life.service.js';
import { OrderListRepository } from './order-list.repository.js';
import { PlacementMetrics } from './placement/placement.metrics.js';
import { PlacementService } from './placement/placement.service.js';
import { PlacementTransaction } from './placement/placement.transaction.js';

@Module({
  imports: [ProductModule, InventoryModule, DiscountModule, PointsModule, EventModule],
  controllers: [OrderController],
  providers: [
    OrderRepository,
    OrderMetrics,
    OrderListRepository,
    OrderFiguresRepository,
    OrderFigures,
    OrderBenefits,
    PlacementMetrics,
    PlacementTransaction,
    PlacementService,
    OrderService,
    OrderLife,
    FulfilmentService,
    OrderExpiryService,
    OrderHeir,
  ],
  exports: [OrderService, OrderLife, FulfilmentService, OrderExpiryService, OrderFigures],
})
export class OrderModule {}
