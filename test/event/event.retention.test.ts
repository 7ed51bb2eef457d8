import { RelayService } from '../../src/event/relay.service.js';
import { RetentionService } from '../../src/event/retention.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Jobs } from '../../src/platform/jobs/jobs.service.js';
import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { bootWith } from './given-consumer.js';

let database: TestDatabase;
let app: TestApp;
let number = 0;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootWith(database, [], {}, (nest) => {
    nest.get(RelayService).start = () => undefined;
  });
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

/** A UUIDv7 of so many days ago. */
function idOf(daysAgo: number): string {
  const time = (Date.now() - daysAgo * 86_400_000).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(++number).padStart(12, '0')}`;
}

async function givenEvent(daysAgo: number): Promise<string> {
  const id = idOf(daysAgo);
  await database.sql(
    `INSERT INTO events (id, type, data, created_at) VALUES ($1, 'order.paid', '{}', now() - $2 * interval '1 day')`,
    [id, daysAgo],
  );
  return id;
}

async function givenLetter(eventId: string, resolvedDaysAgo: number | null): Promise<void> {
  await database.sql(
    `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts, resolved_at, resolution)
     VALUES ($1, $1, $2, 'clerk', 'ill', 2, now() - $3::int * interval '1 day', CASE WHEN $3::int IS NOT NULL THEN 'retried' END)`,
    [idOf(0), eventId, resolvedDaysAgo],
  );
}

async function givenLog(eventId: string, daysAgo: number): Promise<void> {
  await database.sql(`INSERT INTO event_processing_log VALUES ($1, 'clerk', now() - $2 * interval '1 day')`, [
    eventId,
    daysAgo,
  ]);
}

const isThere = async (table: string, column: string, id: string) =>
  (await database.sql(`SELECT FROM ${table} WHERE ${column} = $1`, [id])).length > 0;

describe('the nightly removal', () => {
  it('takes events of more than 90 days that nobody needs any more, and no others', async () => {
    const events = {
      old: await givenEvent(91),
      young: await givenEvent(89),
      undispatched: await givenEvent(91),
      inOpenLetter: await givenEvent(91),
      inLetterJustRetried: await givenEvent(91),
      inLetterLongResolved: await givenEvent(91),
    };
    await database.sql(`INSERT INTO events_undispatched VALUES ($1, 'order.paid')`, [events.undispatched]);
    await givenLetter(events.inOpenLetter, null);
    await givenLetter(events.inLetterJustRetried, 1);
    await givenLetter(events.inLetterLongResolved, 8);
    await app.app.get(RetentionService).removeOld();
    const left = await Promise.all(
      Object.entries(events).map(async ([name, id]) => ((await isThere('events', 'id', id)) ? [name] : [])),
    );
    expect(left.flat()).toEqual(['young', 'undispatched', 'inOpenLetter', 'inLetterJustRetried']);
  });

  it('takes what was logged more than 30 days ago, and nothing younger', async () => {
    const [old, young, lateDone] = [idOf(31), idOf(29), idOf(40)];
    await givenLog(old, 31);
    await givenLog(young, 29);
    await givenLog(lateDone, 1);
    await app.app.get(RetentionService).removeOld();
    expect(await isThere('event_processing_log', 'event_id', old)).toBe(false);
    expect(await isThere('event_processing_log', 'event_id', young)).toBe(true);
    expect(await isThere('event_processing_log', 'event_id', lateDone)).toBe(true);
  });

  it('goes on until nothing old is left', async () => {
    await database.sql(
      `INSERT INTO events (id, type, data)
       SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'order.paid', '{}' FROM generate_series(1, 2500) n`,
    );
    await app.app.get(RetentionService).removeOld();
    expect(
      await database.sql(`SELECT FROM events WHERE id < '00000001-0000-7000-8000-000000000000'`),
    ).toEqual([]);
  });

  it('is on the schedule, and runs when its time comes', async () => {
    expect(await database.sql(`SELECT cron FROM pgboss.schedule WHERE name = 'events-retention'`)).toEqual([
      { cron: '17 3 * * *' },
    ]);
    const old = await givenEvent(91);
    await app.app
      .get(DatabaseService)
      .transaction((tx) => app.app.get(Jobs).send('events-retention', {}, {}, tx));
    await eventually(async () => !(await isThere('events', 'id', old)), { what: 'the removal' });
  });
});
