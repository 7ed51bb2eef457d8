import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventConsumer, EventConsumers } from '../event/consumers.js';
import { EventService } from '../event/event.service.js';
import type { EventType, StoredEvent } from '../event/event.types.js';
import type { Tx } from '../platform/database/tx.js';
import { type StockCount, StockWatchRepository } from './stock-watch.repository.js';

/**
 * Tells `stock.low` when a product's stock comes down to its threshold, once until it has been above again. It goes by the
 * newest count that it has heard of: a dip that was over before anybody looked is not told.
 */
@Injectable()
export class StockWatch extends EventConsumer implements OnModuleInit {
  readonly name = 'stock-watch';
  readonly types: readonly EventType[] = ['stock.changed'];

  constructor(
    private readonly consumers: EventConsumers,
    private readonly repository: StockWatchRepository,
    private readonly events: EventService,
  ) {
    super();
  }

  onModuleInit(): void {
    this.consumers.register(this);
  }

  async consume(event: StoredEvent, tx: Tx): Promise<void> {
    await this.consumeAll([event], tx);
  }

  override async consumeAll(events: StoredEvent[], tx: Tx): Promise<void> {
    const counts = events.map(({ data }) => data as unknown as StockCount);
    const crossings = await this.repository.observe(counts, tx);
    await this.events.append(
      crossings.map((crossing) => ({ type: 'stock.low', data: { ...crossing } })),
      tx,
    );
  }
}
