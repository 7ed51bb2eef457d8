import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { SqlState, sqlStateOf } from '../../src/platform/database/database.errors.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { runScripts } from '../../src/platform/database/migrations.js';
import { Statement } from '../../src/platform/database/statement.js';
import { givenHeldLock } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { call, expectProblem } from '../support/given-shop.js';

const TIMEOUT_MS = 200;
const settings = { DATABASE_STATEMENT_TIMEOUT_MS: String(TIMEOUT_MS) };

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, settings);
});
afterAll(async () => {
  await app?.close();
  await database?.drop();
});

describe('a read that takes too long', () => {
  it('is ended by the server', async () => {
    const read = app.app.get(DatabaseService).read(new Statement('', 'SELECT pg_sleep(20)'), []);
    const error = await read.catch((reason) => reason);
    expect(sqlStateOf(error)).toBe(SqlState.queryCanceled);
  });

  it('is 503, to be tried again, on every connection of the pool', async () => {
    const lock = await givenHeldLock(database, 'LOCK TABLE products IN ACCESS EXCLUSIVE MODE');
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => call(app, null, 'GET', '/products/1')),
    );
    for (const answer of answers) {
      expectProblem(answer, 503, 'busy');
      expect(answer.headers['retry-after']).toBe('1');
    }
    await lock.release();
    expect((await call(app, null, 'GET', '/products/1')).status).toBe(200);
  });
});

describe('a migration', () => {
  it('may take as long as it takes, and wait for the one of another instance', async () => {
    const lock = await givenHeldLock(database, 'SELECT pg_advisory_xact_lock(7205759)');
    const config = loadConfig({ DATABASE_URL: database.url, ...settings });
    const sequelize = connect(database.url, config);
    const migrated = runScripts('migrations', sequelize);
    const longer = `now() - query_start > $1 * interval '1 millisecond'`;
    await eventually(async () => {
      const waiting = `SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database() AND ${longer}`;
      return (await database.sql(waiting, [2 * TIMEOUT_MS])).length === 1;
    });
    await lock.release();
    expect(await migrated).toEqual([]);
    await sequelize.close();
  });
});
