import { Module } from '@nestjs/common';
import { EventModule } from '../event/event.module.js';
import { WebhookMetrics } from './webhook.metrics.js';
import { WebhookDeliveryRepository } from './webhook-delivery.repository.js';
import { WebhookDeliveryService } from './webhook-delivery.service.js';
import { WebhookEndpointRepository } from './webhook-endpoint.repository.js';
import { WebhookEndpointService } from './webhook-endpoint.service.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhooksConsumer } from './webhooks.consumer.js';

@Module({
  imports: [EventModule],
  providers: [
    WebhookDeliveryRepository,
    WebhookDeliveryService,
    WebhookEndpointRepository,
    WebhookEndpointService,
    WebhooksConsumer,
    WebhookSender,
    WebhookMetrics,
  ],
  exports: [WebhookDeliveryService, WebhookEndpointService],
})
export class WebhookModule {}
