import { EventConsumer, EventConsumers } from '../../src/event/consumers.js';
import { EventService } from '../../src/event/event.service.js';
import type { EventType, NewEvent, StoredEvent } from '../../src/event/event.types.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { clientOf, type Tx } from '../../src/platform/database/statement.js';
import { bootApp, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';

/** Retries at once, and gives up at the second failure. */
export const IMPATIENT = { EVENT_MAX_ATTEMPTS: '2', EVENT_RETRY_BASE_MS: '1' };

type Nest = Parameters<NonNullable<Parameters<typeof bootApp>[2]>>[0];

/** Leaves a row in `effects` for every event that it acts on, in the transaction that it is given. */
export class Clerk extends EventConsumer {
  /** Throws at these after it has left its row, or at every event when true. */
  brokenAt: ((event: StoredEvent) => boolean) | true | null = null;
  /** Every call, whatever became of it. */
  calls: StoredEvent[] = [];

  constructor(
    readonly name = 'clerk',
    readonly types: readonly EventType[] = ['order.paid'],
  ) {
    super();
  }

  async consume(event: StoredEvent, tx: Tx): Promise<void> {
    this.calls.push(event);
    await clientOf(tx).query('INSERT INTO effects (consumer, event_id, n) VALUES ($1, $2, $3)', [
      this.name,
      event.id,
      event.data.n,
    ]);
    if (this.brokenAt === true || this.brokenAt?.(event)) throw new Error('the clerk is ill');
  }
}

export async function givenEffects(database: TestDatabase): Promise<void> {
  await database.sql('CREATE TABLE effects (consumer text, event_id uuid, n int)');
}

export async function bootWith(
  database: TestDatabase,
  consumers: EventConsumer[],
  settings: Record<string, string> = {},
  arrange: (nest: Nest) => void = () => undefined,
): Promise<TestApp> {
  return bootApp(database, { ...IMPATIENT, ...settings }, (nest) => {
    for (const consumer of consumers) nest.get(EventConsumers).register(consumer);
    arrange(nest);
  });
}

/** Tells events, all in one transaction. */
export async function tell(app: TestApp, ...events: NewEvent[]): Promise<void> {
  await app.app.get(DatabaseService).transaction((tx) => app.app.get(EventService).append(events, tx));
}

export const paid = (n: number): NewEvent => ({ type: 'order.paid', data: { n } });

/** What the consumer has left, in the order of `n`. */
export async function effectsOf(database: TestDatabase, consumer = 'clerk'): Promise<number[]> {
  const rows = await database.sql<{ n: number }>('SELECT n FROM effects WHERE consumer = $1 ORDER BY n', [
    consumer,
  ]);
  return rows.map(({ n }) => n);
}

export async function untilEffects(database: TestDatabase, ns: number[], consumer = 'clerk'): Promise<void> {
  await eventually(
    async () => {
      const effects = await effectsOf(database, consumer);
      return ns.every((n) => effects.includes(n));
    },
    { what: `the effects ${ns.join(', ')}`, within: 15_000 },
  );
}

/** Until no job of any consumer waits or is under way. */
export async function untilQueuesAreEmpty(database: TestDatabase): Promise<void> {
  await eventually(
    async () => {
      const [row] = await database.sql<{ busy: number }>(
        `SELECT (SELECT count(*) FROM pgboss.job WHERE name LIKE 'events.%' AND state < 'completed')
              + (SELECT count(*) FROM events_undispatched) AS busy`,
      );
      return Number(row?.busy) === 0;
    },
    { what: 'the end of all jobs', within: 15_000 },
  );
}
