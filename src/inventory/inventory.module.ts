import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { ProductModule } from '../product/product.module.js';
import { ExternalReservationService } from './external-reservation.service.js';
import { LedgerMetrics } from './ledger.metrics.js';
import { LedgerRepository } from './ledger.repository.js';
import { LedgerService } from './ledger.service.js';
import { OverdueHoldsRepository } from './overdue-holds.repository.js';
import { OverdueHolds } from './overdue-holds.service.js';
import { ReservationController } from './reservation.controller.js';
import { ReservationMetrics } from './reservation.metrics.js';
import { ReservationRepository } from './reservation.repository.js';
import { ReservationService } from './reservation.service.js';
import { ReservationExpiryService } from './reservation-expiry.service.js';
import { ReservationRequests } from './reservation-requests.service.js';
import { StockController } from './stock.controller.js';
import { StockLevels } from './stock.metrics.js';
import { StockRepository } from './stock.repository.js';
import { StockService } from './stock.service.js';
import { StockEntryService } from './stock-entry.service.js';
import { StockWatch } from './stock-watch.consumer.js';
import { StockWatchRepository } from './stock-watch.repository.js';

@Module({
  imports: [ProductModule, EventModule],
  controllers: [StockController, ReservationController],
  providers: [
    LedgerRepository,
    LedgerMetrics,
    LedgerService,
    ReservationRepository,
    ReservationService,
    OverdueHoldsRepository,
    OverdueHolds,
    ExternalReservationService,
    ReservationExpiryService,
    StockRepository,
    StockService,
    StockEntryService,
    StockWatch,
    StockWatchRepository,
    ReservationMetrics,
    ReservationRequests,
    StockLevels,
  ],
  exports: [LedgerService, ReservationService, ReservationRequests, OverdueHolds, StockService],
})
export class InventoryModule {}
