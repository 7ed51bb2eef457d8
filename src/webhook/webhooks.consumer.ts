import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventConsumer, EventConsumers } from '../event/consumers.js';
import type { DeadLetter } from '../event/dead-letter.types.js';
import { EVENT_TYPES, type EventType, type StoredEvent } from '../event/event.types.js';
import type { Tx } from '../platform/database/tx.js';
import { uuidv7 } from '../platform/uuid.js';
import type { Endpoint, NewDelivery, Subscription } from './webhook.types.js';
import { WebhookDeliveryService } from './webhook-delivery.service.js';
import { WebhookEndpointRepository } from './webhook-endpoint.repository.js';

/** Makes of an event a delivery for each endpoint that wants it, in one transaction. Sending them comes after. */
@Injectable()
export class WebhooksConsumer extends EventConsumer implements OnModuleInit {
  readonly name = 'webhooks';
  readonly types = EVENT_TYPES;

  constructor(
    private readonly consumers: EventConsumers,
    private readonly endpoints: WebhookEndpointRepository,
    private readonly deliveries: WebhookDeliveryService,
  ) {
    super();
  }

  onModuleInit(): void {
    this.consumers.register(this);
  }

  override async wanted(tx: Tx): Promise<readonly EventType[]> {
    const wanted = await this.endpoints.findWanted(tx);
    return EVENT_TYPES.filter((type) => wants(wanted, type));
  }

  async consume(event: StoredEvent, tx: Tx): Promise<void> {
    await this.consumeAll([event], tx);
  }

  override async consumeAll(events: StoredEvent[], tx: Tx): Promise<void> {
    const endpoints = await this.endpoints.lockActive(tx);
    await this.deliveries.begin(
      events.flatMap((event) => deliveriesOf(event, endpoints)),
      tx,
    );
  }

  override async resume(
    { event_id, job_id }: Pick<DeadLetter, 'event_id' | 'job_id'>,
    tx: Tx,
  ): Promise<boolean> {
    return this.deliveries.beginAgain(event_id, job_id, tx);
  }
}

function wants(events: ReadonlySet<Subscription>, type: EventType): boolean {
  return events.has('*') || events.has(type);
}

function deliveriesOf(event: StoredEvent, endpoints: Pick<Endpoint, 'id' | 'events'>[]): NewDelivery[] {
  const { id: event_id, type, data, created_at } = event;
  const body = JSON.stringify({ type, timestamp: created_at.toISOString(), data });
  return endpoints
    .filter(({ events }) => wants(new Set(events), type))
    .map(({ id: endpoint_id }) => ({ id: uuidv7(), endpoint_id, event_id, type, body }));
}
