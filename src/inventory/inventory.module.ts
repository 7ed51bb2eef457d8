import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { ProductModule } from '../product/product.module.js';
import { LedgerRepository } from './ledger.repository.js';
import { LedgerService } from './ledger.service.js';
import { ReservationRepository } from './reservation.repository.js';
import { ReservationService } from './reservation.service.js';

@Module({
  imports: [ProductModule, EventModule],
  providers: [LedgerRepository, LedgerService, ReservationRepository, ReservationService],
  exports: [LedgerService, ReservationService],
})
export class InventoryModule {}
