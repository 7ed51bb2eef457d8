import { pino } from 'pino';
import { createApp } from '../../src/app.js';
import { Config, loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { currentDeadline, RequestDeadline, runWithin } from '../../src/platform/deadline.js';
import { installJobs } from '../../src/platform/jobs/boss.js';
import { Jobs } from '../../src/platform/jobs/jobs.service.js';
import type { DeadJob } from '../../src/platform/jobs/jobs.types.js';
import { Seldom } from '../../src/platform/jobs/seldom.js';
import type { Recurring } from '../../src/platform/recurring.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';

let database: TestDatabase;

beforeEach(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  await database.drop();
});

type Note = { n: number };

describe('a job', () => {
  let app: TestApp;
  let heard: number[];
  let dead: DeadJob<Note>[];

  beforeEach(async () => {
    heard = [];
    dead = [];
    app = await bootApp(database, {}, (nest) => {
      const jobs = nest.get(Jobs);
      void jobs.deadLetterQueue<Note>('notes-dead', async (job) => {
        dead.push(job);
      });
      void jobs.queue<Note>(
        'notes',
        { attemptsMax: 2, deadLetterQueue: 'notes-dead' },
        async ({ data, attempt }) => {
          heard.push(data.n);
          if (data.n < 0) throw new Error(`no at attempt ${attempt}`);
        },
      );
    });
  });
  afterEach(async () => {
    await app.close();
  });

  const inTransaction = <T>(work: Parameters<DatabaseService['transaction']>[0]) =>
    app.app.get(DatabaseService).transaction(work) as Promise<T>;

  it('is done after the transaction that sent it has committed', async () => {
    await inTransaction(async (tx) => {
      await app.app.get(Jobs).send('notes', { n: 1 }, {}, tx);
    });
    await eventually(() => heard.includes(1));
  });

  it('is not there when its transaction is rolled back', async () => {
    const undone = inTransaction(async (tx) => {
      await app.app.get(Jobs).send('notes', { n: 1 }, {}, tx);
      await app.app.get(Jobs).sendAll('notes', [{ n: 2 }, { n: 3 }], tx);
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    await inTransaction((tx) => app.app.get(Jobs).send('notes', { n: 4 }, {}, tx));
    await eventually(() => heard.includes(4));
    expect(heard).toEqual([4]);
  });

  it('among many that one notification stands for is done without waiting for the next look', async () => {
    const ns = Array.from({ length: 40 }, (_, n) => n);
    await inTransaction((tx) =>
      app.app.get(Jobs).sendAll(
        'notes',
        ns.map((n) => ({ n })),
        tx,
      ),
    );
    await eventually(() => heard.length === ns.length, { within: 8_000 });
    expect(heard.toSorted((one, other) => one - other)).toEqual(ns);
  });

  it('that may not begin yet is not begun', async () => {
    await inTransaction((tx) => app.app.get(Jobs).send('notes', { n: 1 }, { delaySeconds: 3_600 }, tx));
    await inTransaction((tx) => app.app.get(Jobs).send('notes', { n: 2 }, {}, tx));
    await eventually(() => heard.includes(2));
    expect(heard).toEqual([2]);
  });

  it('that fails at every try goes to the dead letters, with what the last one threw', async () => {
    const id = await inTransaction((tx) => app.app.get(Jobs).send('notes', { n: -1 }, {}, tx));
    await eventually(() => dead.length > 0);
    expect(heard).toEqual([-1, -1]);
    expect(dead[0]).toMatchObject({
      data: { n: -1 },
      source: { id, queue: 'notes', attempts: 2, error: 'no at attempt 2' },
    });
  });

  it('for a queue that nobody has opened is refused', async () => {
    const sent = inTransaction((tx) => app.app.get(Jobs).send('nowhere', {}, {}, tx));
    await expect(sent).rejects.toThrow('nowhere');
  });
});

describe('a job that fails', () => {
  it('is tried again after less than a second when that is asked for, and each wait is longer', async () => {
    const tried: number[] = [];
    const dead: DeadJob<Note>[] = [];
    const app = await bootApp(database, {}, (nest) => {
      const jobs = nest.get(Jobs);
      void jobs.deadLetterQueue<Note>('hasty-dead', async (job) => void dead.push(job));
      const options = { attemptsMax: 4, retryBaseMs: 100, deadLetterQueue: 'hasty-dead' };
      void jobs.queue<Note>('hasty', options, async () => {
        tried.push(performance.now());
        throw new Error('no');
      });
    });
    const door = app.app.get(DatabaseService);
    await door.transaction((tx) => app.app.get(Jobs).send('hasty', { n: 1 }, {}, tx));
    // In whole seconds the waits alone would be one, two and four of them.
    await eventually(() => dead.length > 0, { within: 6_000 });
    const waits = tried.slice(1).map((time, index) => time - (tried[index] as number));
    expect(waits).toHaveLength(3);
    for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual(100 * 2 ** index);
    expect(dead[0]?.source).toMatchObject({ attempts: 4, error: 'no' });
    await app.close();
  });
});

describe('two instances', () => {
  let apps: TestApp[];
  let done: number;
  let atOnce: number;
  let mostAtOnce: number;

  /** Work that is seen when somebody else does some at the same time. */
  async function work(): Promise<void> {
    atOnce += 1;
    mostAtOnce = Math.max(mostAtOnce, atOnce);
    await database.sql('SELECT pg_sleep(0.05)');
    atOnce -= 1;
    done += 1;
  }

  async function giveBoth(open: (jobs: Jobs) => Promise<void>, name: string): Promise<void> {
    [done, atOnce, mostAtOnce] = [0, 0, 0];
    apps = await Promise.all([0, 1].map(() => bootApp(database, {}, (nest) => void open(nest.get(Jobs)))));
    const [one] = apps as [TestApp];
    const jobs = Array.from({ length: 6 }, () => ({}));
    await one.app.get(DatabaseService).transaction((tx) => one.app.get(Jobs).sendAll(name, jobs, tx));
    await eventually(() => done === 6);
  }

  afterEach(async () => {
    await Promise.all(apps.map((app) => app.close()));
  });

  it('do what is scheduled one at a time', async () => {
    await giveBoth((jobs) => jobs.schedule('nightly', '0 0 1 1 *', work), 'nightly');
    expect(mostAtOnce).toBe(1);
  });

  it('(control) do what is only queued side by side', async () => {
    await giveBoth((jobs) => jobs.queue('daily', { attemptsMax: 2 }, work), 'daily');
    expect(mostAtOnce).toBe(2);
  });
});

describe('the job queue', () => {
  const settings = (database: TestDatabase) =>
    loadConfig({
      NODE_ENV: 'test',
      DATABASE_URL: database.url,
      MIGRATE_ON_START: 'false',
      JWT_SECRET: 'only-for-tests-0123456789abcdefghijkl',
    });

  async function start(config: Config) {
    const sequelize = connect(database.url, config);
    const app = await createApp(config, sequelize, pino({ level: 'silent' }));
    try {
      await app.init();
    } finally {
      await app.close();
      await sequelize.close();
    }
  }

  it('whose schema is missing is waited for, when the service may not migrate', async () => {
    await database.sql('DROP SCHEMA pgboss CASCADE');
    const config = settings(database);
    const sequelize = connect(database.url, config);
    const app = await createApp(config, sequelize, pino({ level: 'silent' }));
    const done: object[] = [];
    const deadlines: unknown[] = [];
    await app.init();
    await app.get(Jobs).queue('test-late', { attemptsMax: 1 }, async ({ data }) => {
      deadlines.push(currentDeadline());
      done.push(data);
    });
    await expect(app.get(Jobs).start()).rejects.toThrow(/npm run migrate/);
    // Nobody but a request whose time is over starts it.
    await (app.get(Jobs) as unknown as { waiting: Recurring }).waiting.stop();
    await installJobs(config);
    await runWithin(new RequestDeadline(0), () => app.get(Jobs).start());
    const door = app.get(DatabaseService);
    await door.transaction((tx) => app.get(Jobs).send('test-late', { n: 1 }, {}, tx));
    await eventually(() => done.length > 0);
    expect(done).toEqual([{ n: 1 }]);
    expect(deadlines).toEqual([undefined]);
    await app.close();
    await sequelize.close();
  });

  it('one of whose queues cannot be opened is let go of whole', async () => {
    const config = loadConfig({ NODE_ENV: 'test', DATABASE_URL: database.url, JWT_SECRET: 'only-for-tests' });
    const sequelize = connect(database.url, config);
    const app = await createApp(config, sequelize, pino({ level: 'silent' }));
    await app.get(Jobs).queue('test-broken', { attemptsMax: 1, deadLetterQueue: 'nowhere' }, async () => {});
    await expect(app.init()).rejects.toThrow(/nowhere/);
    await eventually(async () => {
      const connections = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'holdfast-jobs'`;
      return (await database.sql(connections)).length === 0;
    });
    await app.close();
    await sequelize.close();
  });

  it('is installed by the migration, also where the service itself may not migrate', async () => {
    await database.sql('DROP SCHEMA pgboss CASCADE');
    await installJobs(settings(database));
    await installJobs(settings(database));
    await start(settings(database));
  });
});

describe('what is seldom told', () => {
  it('is told at once, then summed up', () => {
    const told: string[] = [];
    const seldom = new Seldom(3_600_000, (message) => told.push(message));
    for (const message of ['one', 'two', 'three']) seldom.tell(message);
    expect(told).toEqual(['one']);
    seldom.stop();
    expect(told).toEqual(['one', 'three (and 1 more like it)']);
  });
});
