import { Module } from '@nestjs/common';
import { EventConsumers } from './consumers.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { DeadLetterService } from './dead-letter.service.js';
import { DeliveryService } from './delivery.service.js';
import { EventMetrics } from './event.metrics.js';
import { EventRepository } from './event.repository.js';
import { EventService } from './event.service.js';
import { RelayService } from './relay.service.js';
import { RetentionService } from './retention.service.js';

@Module({
  providers: [
    EventRepository,
    EventService,
    EventConsumers,
    RelayService,
    DeliveryService,
    DeadLetterRepository,
    DeadLetterService,
    RetentionService,
    EventMetrics,
  ],
  exports: [EventService, EventConsumers, DeadLetterService],
})
export class EventModule {}
