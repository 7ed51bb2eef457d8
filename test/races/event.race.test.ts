import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EventRepository } from '../../src/event/event.repository.js';
import { EventService } from '../../src/event/event.service.js';
import type { EventType, StoredEvent } from '../../src/event/event.types.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { clientOf, type Tx } from '../../src/platform/database/statement.js';
import {
  bootWith,
  Clerk,
  effectsOf,
  givenEffects,
  paid,
  tell,
  untilEffects,
  untilQueuesAreEmpty,
} from '../event/given-consumer.js';
import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { built } from '../support/build.js';
import { eventually } from '../support/eventually.js';

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

async function boot(clerk: Clerk, arrange: Parameters<typeof bootWith>[3] = () => undefined) {
  const app = await bootWith(database, [clerk], {}, arrange);
  apps.push(app);
  return app;
}

/** Lets nobody on before all have come. */
function meeting(parties: number): () => Promise<void> {
  let here = 0;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    here += 1;
    if (here === parties) open();
    await opened;
  };
}

describe('an event whose transaction is held open while later ones are handed on', () => {
  /** Event 1 is written first and committed last. */
  async function holdOpen(app: TestApp) {
    const written = meeting(2);
    const release = meeting(2);
    const held = app.app.get(DatabaseService).transaction(async (tx) => {
      await app.app.get(EventService).append([paid(1)], tx);
      await written();
      await release();
    });
    await written();
    await tell(app, paid(2));
    await untilEffects(database, [2]);
    await release();
    await held;
    await tell(app, paid(3));
    await untilEffects(database, [3]);
  }

  it('is not lost', async () => {
    await holdOpen(await boot(new Clerk()));
    await untilEffects(database, [1, 2, 3]);
    expect(await effectsOf(database)).toEqual([1, 2, 3]);
  });

  it('(control) is lost by a relay that goes by a position', async () => {
    await holdOpen(await boot(new Clerk(), (nest) => byPosition(nest.get(EventRepository))));
    await untilQueuesAreEmpty(database);
    expect(await effectsOf(database)).toEqual([2, 3]);
  });

  function byPosition(repository: EventRepository): void {
    let position = '00000000-0000-0000-0000-000000000000';
    repository.claimUndispatched = async (limit: number, tx: Tx) => {
      const { rows } = await clientOf(tx).query<{ event_id: string; type: EventType }>(
        'SELECT id AS event_id, type FROM events WHERE id > $1 ORDER BY id LIMIT $2',
        [position, limit],
      );
      await clientOf(tx).query('DELETE FROM events_undispatched');
      position = rows.at(-1)?.event_id ?? position;
      return rows;
    };
  }
});

describe('two instances', () => {
  const ns = Array.from({ length: 1_500 }, (_, n) => n);

  it('share the relay, and every event has its effect once', async () => {
    const clerks = [new Clerk(), new Clerk()];
    const [app] = await Promise.all(clerks.map((clerk) => boot(clerk)));
    await Promise.all([0, 500, 1_000].map((from) => tell(app!, ...ns.slice(from, from + 500).map(paid))));
    await untilEffects(database, ns);
    await untilQueuesAreEmpty(database);
    expect(await effectsOf(database)).toEqual(ns);
    const [{ carried }] = (await database.sql(
      `SELECT sum(jsonb_array_length(data->'event_ids'))::int AS carried FROM pgboss.job WHERE name = 'events.clerk'`,
    )) as [{ carried: number }];
    expect(carried).toBe(ns.length);
  });

  it('have one effect even of an event that both have handed on', async () => {
    await handOnTwice(() => undefined);
    expect(await effectsOf(database)).toEqual([1]);
  });

  it('(control) have two without the log', async () => {
    await handOnTwice(forgetful);
    expect(await effectsOf(database)).toEqual([1, 1]);
  });

  /** Both read that the event is undispatched before either says that it is not. */
  async function handOnTwice(arrange: (repository: EventRepository) => void) {
    const bothHaveRead = meeting(2);
    const [app] = await Promise.all(
      [1, 2].map(() =>
        boot(new Clerk(), (nest) => {
          const repository = nest.get(EventRepository);
          arrange(repository);
          repository.claimUndispatched = async (limit: number, tx: Tx) => {
            const { rows } = await clientOf(tx).query<{ event_id: string; type: EventType }>(
              'SELECT event_id, type FROM events_undispatched LIMIT $1',
              [limit],
            );
            await bothHaveRead();
            await clientOf(tx).query('DELETE FROM events_undispatched WHERE event_id = ANY($1)', [
              rows.map(({ event_id }) => event_id),
            ]);
            return rows;
          };
        }),
      ),
    );
    await tell(app!, paid(1));
    await eventually(
      async () => (await database.sql(`SELECT FROM pgboss.job WHERE name = 'events.clerk'`)).length === 2,
      { what: 'the two jobs' },
    );
    await untilQueuesAreEmpty(database);
  }

  function forgetful(repository: EventRepository): void {
    repository.claimForConsumer = async (ids: string[], _consumer: string, tx: Tx) => {
      const { rows } = await clientOf(tx).query<StoredEvent>(
        'SELECT id, type, data, created_at FROM events WHERE id = ANY($1::uuid[])',
        [ids],
      );
      return rows;
    };
  }
});

describe('an outage of the database', () => {
  it('ends no process, and what is told afterwards arrives', async () => {
    const app = await boot(new Clerk());
    await tell(app, paid(1));
    await untilEffects(database, [1]);
    await outage(app);
    await eventually(
      () =>
        tell(app, paid(2)).then(
          () => true,
          () => false,
        ),
      { what: 'the database' },
    );
    await untilEffects(database, [1, 2]);
    expect((await effectsOf(database)).filter((n) => n === 1)).toHaveLength(1);
  });

  /** Every connection is cut and no new one had, until the service has noticed. */
  async function outage(app: TestApp) {
    const [{ name }] = (await database.sql('SELECT current_database() AS name')) as [{ name: string }];
    const server = new pg.Client({ connectionString: process.env.TEST_POSTGRES_URL as string });
    await server.connect();
    try {
      await server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      const cut = await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND application_name LIKE 'holdfast%'`,
        [name],
      );
      expect(cut.rows.length).toBeGreaterThan(2);
      await eventually(async () => (await fetch(`${app.url}/health/ready`)).status === 503, {
        what: 'the outage',
      });
    } finally {
      await server.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      await server.end();
    }
  }
});

describe('a service that is killed after a commit and before its relay', () => {
  let child: ChildProcess;
  let dataDir: string;

  afterEach(async () => {
    child?.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true });
  });

  it('leaves the event to the next one', async () => {
    await stopRelays();
    const url = await startService();
    const { access_token } = await post(`${url}/api/v1/auth/register`, {
      email: `${randomUUID()}@shop.example`,
      name: 'Ada',
      password: 'correct horse battery',
    });
    const order = { items: [{ product_id: 1, quantity: 1 }], payment_method: 'credit_card' };
    await post(`${url}/api/v1/orders`, order, access_token);
    child.kill('SIGKILL');
    await new Promise((ended) => child.once('exit', ended));
    expect(await database.sql('SELECT FROM events_undispatched')).not.toEqual([]);

    await database.sql('DROP TRIGGER no_relay ON events_undispatched');
    const clerk = new Clerk('clerk', ['order.placed']);
    await boot(clerk);
    await eventually(() => clerk.calls.length > 0, { what: 'the event' });
    await untilQueuesAreEmpty(database);
    expect(clerk.calls.map(({ type }) => type)).toEqual(['order.placed']);
  });

  /** Whatever a relay takes, it has to give back. */
  async function stopRelays() {
    await database.sql(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
      CREATE TRIGGER no_relay BEFORE DELETE ON events_undispatched FOR EACH ROW EXECUTE FUNCTION refuse();`);
  }

  async function startService(): Promise<string> {
    const port = await freePort();
    dataDir = await mkdtemp(join(tmpdir(), 'holdfast-kill-'));
    child = spawn(process.execPath, [built('main.js')], {
      cwd: dataDir,
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        DATABASE_URL: database.url,
        DATA_DIR: dataDir,
        PORT: String(port),
        JWT_SECRET: 'only-for-tests-0123456789abcdefghijkl',
        YOOKASSA_API_URL: 'http://127.0.0.1:9/v3',
        LOG_LEVEL: 'silent',
      },
    });
    const url = `http://127.0.0.1:${port}`;
    await eventually(
      () =>
        fetch(`${url}/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        ),
      { what: 'the service', within: 20_000 },
    );
    return url;
  }

  async function post(url: string, body: object, token = ''): Promise<any> {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(201);
    return answer.json();
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}
