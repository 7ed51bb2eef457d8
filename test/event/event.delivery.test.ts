import { queueOf } from '../../src/event/consumers.js';
import { EventRepository } from '../../src/event/event.repository.js';
import type { StoredEvent } from '../../src/event/event.types.js';
import { RelayService } from '../../src/event/relay.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { clientOf, type Tx } from '../../src/platform/database/statement.js';
import { Jobs } from '../../src/platform/jobs/jobs.service.js';
import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import {
  bootWith,
  Clerk,
  effectsOf,
  givenEffects,
  paid,
  tell,
  untilEffects,
  untilQueuesAreEmpty,
} from './given-consumer.js';

let database: TestDatabase;
let apps: TestApp[];

beforeEach(async () => {
  database = await cloneDatabase();
  await givenEffects(database);
  apps = [];
});
afterEach(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await database.drop();
});

async function boot(...args: [Clerk[], Record<string, string>?, Parameters<typeof bootWith>[3]?]) {
  const app = await bootWith(database, ...args);
  apps.push(app);
  return app;
}

describe('an event', () => {
  it('comes to its consumer without anybody asking, soon after its transaction has committed', async () => {
    const app = await boot([new Clerk()]);
    const told = Date.now();
    await tell(app, paid(1));
    await untilEffects(database, [1]);
    // The promise is one second on an idle machine; this one runs other tests.
    expect(Date.now() - told).toBeLessThan(5_000);
  });

  it('is told to nobody when its transaction is rolled back', async () => {
    const app = await boot([new Clerk()]);
    const undone = app.app.get(DatabaseService).transaction(async (tx) => {
      await app.app.get(EventRepository).append([paid(1)], tx);
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    await tell(app, paid(2));
    await untilEffects(database, [2]);
    expect(await effectsOf(database)).toEqual([2]);
  });

  it('comes to each consumer that wants its type, and makes no job for the others', async () => {
    const clerks = [new Clerk('clerk'), new Clerk('second'), new Clerk('bystander', ['order.failed'])];
    const app = await boot(clerks);
    await tell(app, paid(1), { type: 'order.expired', data: { n: 2 } });
    await untilEffects(database, [1], 'clerk');
    await untilEffects(database, [1], 'second');
    await untilQueuesAreEmpty(database);
    expect(await effectsOf(database, 'bystander')).toEqual([]);
    const jobs = await database.sql(`SELECT FROM pgboss.job WHERE name = $1`, [queueOf('bystander')]);
    expect(jobs).toHaveLength(0);
  });

  it('costs no job when the consumer says that it has no use for it now', async () => {
    const clerk = new Clerk();
    clerk.wanted = async () => [];
    const app = await boot([clerk]);
    await tell(app, paid(1));
    await untilQueuesAreEmpty(database);
    expect(await database.sql(`SELECT FROM pgboss.job WHERE name = $1`, [queueOf('clerk')])).toHaveLength(0);
  });

  it('comes with thousands of others, each once', async () => {
    const app = await boot([new Clerk()]);
    const ns = Array.from({ length: 1_234 }, (_, n) => n);
    await tell(app, ...ns.map(paid));
    await untilEffects(database, ns);
    await untilQueuesAreEmpty(database);
    expect(await effectsOf(database)).toEqual(ns);
  });
});

describe('a job that is delivered twice', () => {
  async function deliverTwice(app: TestApp) {
    await tell(app, paid(1));
    await untilEffects(database, [1]);
    const [event] = await database.sql<{ id: string }>(`SELECT id FROM events WHERE type = 'order.paid'`);
    const again = { event_ids: [event?.id] };
    await app.app
      .get(DatabaseService)
      .transaction((tx) => app.app.get(Jobs).sendAll(queueOf('clerk'), [again, again], tx));
    await untilQueuesAreEmpty(database);
  }

  it('has one effect', async () => {
    await deliverTwice(await boot([new Clerk()]));
    expect(await effectsOf(database)).toEqual([1]);
  });

  it('(control) has an effect each time without the log', async () => {
    await deliverTwice(await boot([new Clerk()], {}, (nest) => forgetful(nest.get(EventRepository))));
    expect(await effectsOf(database)).toEqual([1, 1, 1]);
  });
});

/** Takes the guard away: every event is new, always. */
function forgetful(repository: EventRepository): void {
  repository.claimForConsumer = async (ids: string[], _consumer: string, tx: Tx) => {
    const { rows } = await clientOf(tx).query<StoredEvent>(
      'SELECT id, type, data, created_at FROM events WHERE id = ANY($1::uuid[]) ORDER BY id',
      [ids],
    );
    return rows;
  };
}

describe('a consumer that fails', () => {
  const letters = () =>
    database.sql('SELECT consumer, error, attempts, resolution FROM dead_letters ORDER BY id');

  it('is tried again, and what it had done before it failed is undone', async () => {
    const clerk = new Clerk();
    clerk.brokenAt = () => clerk.calls.length < 2;
    const app = await boot([clerk]);
    await tell(app, paid(1));
    await untilEffects(database, [1]);
    expect(clerk.calls).toHaveLength(2);
    expect(await effectsOf(database)).toEqual([1]);
    expect(await letters()).toEqual([]);
  });

  it('leaves a dead letter after its last try, and its neighbours go on meanwhile', async () => {
    const ill = new Clerk('ill');
    ill.brokenAt = true;
    const app = await boot([ill, new Clerk()]);
    await tell(app, paid(1));
    await eventually(async () => (await letters()).length > 0, { what: 'the dead letter' });
    await tell(app, paid(2));
    await untilEffects(database, [1, 2], 'clerk');
    expect(await letters()).toContainEqual({
      consumer: 'ill',
      error: 'the clerk is ill',
      attempts: 2,
      resolution: null,
    });
    expect(await effectsOf(database, 'ill')).toEqual([]);
  });

  it('at one event of many acts on the others, and only that one becomes a letter', async () => {
    const clerk = new Clerk();
    clerk.brokenAt = ({ data }) => data.n === 13;
    const app = await boot([clerk]);
    const ns = Array.from({ length: 30 }, (_, n) => n);
    await tell(app, ...ns.map(paid));
    await eventually(async () => (await letters()).length > 0, { what: 'the dead letter' });
    await untilEffects(
      database,
      ns.filter((n) => n !== 13),
    );
    await untilQueuesAreEmpty(database);
    expect(await letters()).toHaveLength(1);
    expect(await effectsOf(database)).toEqual(ns.filter((n) => n !== 13));
  });
});

describe('the relay', () => {
  it('that is down makes the service degraded once an event has waited for a minute, and only then', async () => {
    const app = await boot([], {}, (nest) => {
      nest.get(RelayService).start = () => undefined;
    });
    const outbox = async () => {
      const { checks, status } = (await (await fetch(`${app.url}/health/ready`)).json()) as any;
      return [checks.outbox, status];
    };
    await tell(app, paid(1));
    expect(await outbox()).toEqual(['up', 'up']);
    await database.sql(`UPDATE events SET created_at = now() - interval '61 seconds'`);
    expect(await outbox()).toEqual(['degraded', 'degraded']);
    await app.app.get(RelayService).relayAll();
    expect(await outbox()).toEqual(['up', 'up']);
  });
});
