import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { inOneFlight } from '../../src/platform/database/flight.js';
import { Statement } from '../../src/platform/database/statement.js';
import { times } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { countOf, givenProduct, givenShopper, type Shopper } from '../support/given-shop.js';
import { expectAuditClean } from '../support/promises.js';
import { PgBouncer, SERVER_CONNECTIONS } from './pgbouncer-process.js';

const bouncer = await PgBouncer.start(process.env.TEST_POSTGRES_URL as string);
process.env.TEST_POOLER = `127.0.0.1:${bouncer.port}`;

// The heart of the race suite, as it stands, with every application behind the pooler.
await import('../races/oversell.race.test.js');
await import('../races/idempotency.race.test.js');
await import('../races/order-ends.race.test.js');
await import('../races/event.race.test.js');

let database: TestDatabase;

beforeAll(async () => {
  database = await cloneDatabase();
});

afterAll(async () => {
  delete process.env.TEST_POOLER;
  await database?.drop();
  await bouncer.stop();
});

/** Two shops of thirty connections each, and fifty buyers in both at once. */
async function buyEverywhere(): Promise<number> {
  const many = { DATABASE_POOL_MAX: '30', PLACEMENT_BATCH_MAX: '1' };
  const apps = await Promise.all([bootApp(database, many), bootApp(database, many)]);
  try {
    const ada: Shopper = await givenShopper(apps[0] as TestApp);
    const product_id = await givenProduct(database, { stock: 100 });
    const answers = await times(50, (index) =>
      ada.at(apps[index % 2] as TestApp).place([{ product_id, quantity: 1 }]),
    );
    return countOf(answers, 201);
  } finally {
    await Promise.all(apps.map((app) => app.close()));
  }
}

describe('a pooler in transaction mode', () => {
  it('is between, and lets many connections share a few', async () => {
    const { pathname } = new URL(database.url);
    expect(await buyEverywhere()).toBe(50);
    const pool = (await bouncer.pools()).find((each) => each.database === pathname.slice(1));
    expect(pool).toMatchObject({ pool_mode: 'transaction' });
    const [row] = await database.sql('SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1', [
      pathname.slice(1),
    ]);
    // Those of this test itself are the rest.
    expect(row?.n).toBeLessThanOrEqual(SERVER_CONNECTIONS + 3);
    const app = await bootApp(database);
    await expectAuditClean(app);
    await app.close();
  });

  describe('and statements that are prepared', () => {
    const product = new Statement('pooler-product', 'SELECT id FROM products WHERE id = $1');

    /** How many of a hundred transactions at once, on forty connections, have failed, and why. */
    async function faults(pooled: string): Promise<string[]> {
      const through = new URL(database.url);
      through.host = process.env.TEST_POOLER as string;
      const settings = { DATABASE_URL: through.href, DATABASE_POOLED: pooled, DATABASE_POOL_MAX: '40' };
      const sequelize = connect(through.href, loadConfig(settings));
      const answers = await Promise.allSettled(
        Array.from({ length: 100 }, () =>
          sequelize.transaction((tx) => inOneFlight([product.run([1], tx), product.run([2], tx)])),
        ),
      );
      await sequelize.close();
      return answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.message] : []));
    }

    it('never miss what another connection has', async () => {
      expect(await faults('true')).toEqual([]);
    });

    it('(control) do when nobody has said that a pooler is there', async () => {
      const told = await faults('false');
      expect(told.length).toBeGreaterThan(0);
      for (const fault of told) expect(fault).toMatch(/prepared statement/);
    });
  });
});
