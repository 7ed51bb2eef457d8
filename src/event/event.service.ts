import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { NewEvent } from './event.types.js';

const append = new Statement(
  'event-append',
  `INSERT INTO events (id, type, data)
   SELECT id, type, data FROM unnest($1::uuid[], $2::text[], $3::jsonb[]) AS e(id, type, data)`,
);

/** The outbox: a change and its event are one transaction, so neither is ever there without the other. */
@Injectable()
export class EventService {
  /** Writes the events with the change that `tx` makes. */
  async append(events: NewEvent[], tx: Tx): Promise<void> {
    if (events.length === 0) return;
    await append.run(
      [
        events.map(() => uuidv7()),
        events.map(({ type }) => type),
        events.map(({ data }) => JSON.stringify(data)),
      ],
      tx,
    );
  }
}
