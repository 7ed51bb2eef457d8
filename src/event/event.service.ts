import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { decodeUuidCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import { goOn, inSpan, isTracing, type Task } from '../platform/observability/tracing.js';
import type { EventsQuery } from './event.dto.js';
import { EventNotFound } from './event.errors.js';
import { EventRepository } from './event.repository.js';
import type { NewEvent } from './event.types.js';
import { type EventPageView, type EventView, viewOfEvent } from './event.view.js';

const NEWEST_FIRST = 'events-newest-first';
const MESSAGING = { 'messaging.system': 'holdfast', 'messaging.destination.name': 'events' };

/** The outbox: a change and its event are one transaction, so neither is ever there without the other. */
@Injectable()
export class EventService {
  constructor(private readonly repository: EventRepository) {}

  /** Writes the events with the change that `tx` makes. Their consumers are told soon after it has committed. */
  async append(events: NewEvent[], tx: Tx): Promise<void> {
    if (events.length === 0) return;
    const task: Task = {
      name: 'create events',
      kind: 'producer',
      attributes: {
        ...MESSAGING,
        'messaging.operation.type': 'create',
        'messaging.operation.name': 'create',
      },
    };
    await inSpan(task, () => this.repository.append(events, tx));
  }

  /**
   * Does `work`, which these events have caused, as a part of the traces that have made them: of one that is read here, so
   * that it is the same however often, and by whom, they are handed on.
   */
  async goOn<T>(eventIds: string[], task: Task, work: () => Promise<T>): Promise<T> {
    if (!isTracing()) return work();
    const attributes = { ...MESSAGING, 'messaging.batch.message_count': eventIds.length, ...task.attributes };
    return goOn(
      await this.repository.traceparentsOf(eventIds),
      { ...task, kind: 'consumer', attributes },
      work,
    );
  }

  /** @throws EventNotFound, also for one that is too old to be kept. */
  async get(id: string): Promise<EventView> {
    const event = await this.repository.find(id);
    if (!event) throw new EventNotFound();
    return viewOfEvent(event);
  }

  /** How many events wait to be handed on, up to 100,000, and for how many seconds the oldest of them has. */
  async measureBacklog(): Promise<{ events: number; lag_seconds: number }> {
    return this.repository.measureBacklog();
  }

  /** What has happened, newest first. */
  async list(query: EventsQuery): Promise<EventPageView> {
    const type = query.type ?? null;
    const events = await this.repository.list(
      type,
      decodeUuidCursor(NEWEST_FIRST, query.cursor),
      query.limit + 1,
    );
    const { rows, next_cursor } = pageOf(events, query, viewOfEvent, ({ id }) =>
      encodeCursor(NEWEST_FIRST, [id]),
    );
    return {
      events: rows,
      next_cursor,
      ...(query.count ? { total: await this.repository.count(type) } : {}),
    };
  }
}
