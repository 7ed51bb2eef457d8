import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Replicas } from '../../src/platform/database/replicas.js';
import { TcpProxy } from '../faults/proxy.js';
import { times } from '../support/barrier.js';
import { bootApp, type TestApp } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type GivenUser, givenAdmin } from '../support/given.js';
import { givenShopper } from '../support/given-shop.js';
import { scrape } from '../support/scrape.js';
import { type PostgresPair, startPair } from './postgres-pair.js';

/** A statement there, with what a slow machine may add; the primary alone answers at once. */
const HEARD_WITHIN_MS = 6_000;
const AT_ONCE_MS = 900;

let pair: PostgresPair;
let app: TestApp;
let admin: GivenUser;

beforeAll(async () => {
  pair = await startPair();
  app = await bootApp(pair.primary, { DATABASE_REPLICA_URLS: pair.standby.url });
  admin = await givenAdmin(app, pair.primary);
});

afterAll(async () => {
  await app?.close();
  await pair?.stop();
});

async function get(path: string, at = app): Promise<any> {
  const answer = await fetch(`${at.url}/api/v1${path}`, { headers: admin.headers });
  expect(answer.status).toBe(200);
  return path.endsWith('export') ? answer.text() : answer.json();
}

async function rename(id: number, name: string, at = app): Promise<void> {
  const answer = await fetch(`${at.url}/api/v1/products/${id}`, {
    method: 'PATCH',
    headers: { ...admin.headers, 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  expect(answer.status).toBe(200);
}

const readsBy = async (by: string, at = app) =>
  (await scrape(at)).figure('database_replica_reads_total', { by }) ?? 0;

/** What was committed is not shown by the standby until it goes on. */
async function whileItStandsStill(work: () => Promise<void>): Promise<void> {
  await pair.caughtUp();
  await pair.standby.sql('SELECT pg_wal_replay_pause()');
  await eventually(async () => {
    const [row] = await pair.standby.sql('SELECT pg_get_wal_replay_pause_state() AS state');
    return row?.state === 'paused';
  });
  try {
    await work();
  } finally {
    await pair.standby.sql('SELECT pg_wal_replay_resume()');
  }
}

/** Until a standby answers: it may have been set aside for a moment. */
async function readThere(path: string, at = app): Promise<any> {
  const before = await readsBy('replica', at);
  return eventually(async () => {
    const answer = await get(path, at);
    return (await readsBy('replica', at)) > before ? answer : null;
  });
}

describe('a standby', () => {
  it.each(['/products', '/products/1', '/products?q=laptop&count=true', '/products/export'])(
    'answers %s',
    async (path) => {
      await readThere(path);
      const [row] = await pair.standby.sql(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'holdfast'`,
      );
      expect(row?.n).toBeGreaterThan(0);
    },
  );

  it('that stands still hides nothing that this process has committed', async () => {
    const ada = await givenShopper(app);
    await whileItStandsStill(async () => {
      for (let round = 0; round < 10; round++) {
        await rename(1, `Laptop ${round}`);
        expect(await get('/products/1')).toMatchObject({ name: `Laptop ${round}` });
      }
      const { stock } = await get('/products/2');
      expect((await ada.place([{ product_id: 2, quantity: 3 }])).status).toBe(201);
      expect(await get('/products/2')).toMatchObject({ stock: stock - 3 });
      const list = await get('/products');
      expect(list.products.map(({ name }: any) => name)).toContain('Laptop 9');
      const [there] = await pair.standby.sql('SELECT name FROM products WHERE id = 1');
      expect(there?.name).not.toBe('Laptop 9');
    });
    expect(await readThere('/products/1')).toMatchObject({ name: 'Laptop 9' });
  });

  it('(control) hides it when nobody counts what was committed', async () => {
    await rename(3, 'Before');
    await pair.caughtUp();
    const settings = {
      DATABASE_REPLICA_URLS: pair.standby.url,
      // It stands still for as long as a slow machine needs.
      DATABASE_REPLICA_LAG_MAX_MS: '600000',
    };
    const other = await bootApp(pair.primary, settings);
    Object.defineProperty(other.app.get(DatabaseService), 'commits', { value: Number.MAX_SAFE_INTEGER });
    await readThere('/products/3', other);
    await whileItStandsStill(async () => {
      await rename(3, 'After', other);
      expect(await readThere('/products/3', other)).toMatchObject({ name: 'Before' });
    });
    await other.close();
  });

  it('that lags more than it may is not read', async () => {
    const settings = { DATABASE_REPLICA_URLS: pair.standby.url, DATABASE_REPLICA_LAG_MAX_MS: '1' };
    const other = await bootApp(pair.primary, settings);
    Object.defineProperty(other.app.get(DatabaseService), 'commits', { value: 0 });
    await eventually(async () => {
      await get('/products/4', other);
      return (await readsBy('lagging', other)) > 0;
    });
    await other.close();
  });

  it('that is no standby is not read either', async () => {
    const other = await bootApp(pair.primary, { DATABASE_REPLICA_URLS: pair.primary.url });
    await times(5, () => get('/products/4', other));
    expect(await readsBy('replica', other)).toBe(0);
    await other.close();
  });

  it('that is heard no more is waited for once, and read again when it is', async () => {
    const network = await TcpProxy.to(Number(new URL(pair.standby.url).port));
    const url = new URL(pair.standby.url);
    url.port = String(network.port);
    const other = await bootApp(pair.primary, { DATABASE_REPLICA_URLS: url.href });
    Object.defineProperty(other.app.get(DatabaseService), 'commits', { value: 0 });
    const timeOf = async (work: Promise<unknown>) => {
      const start = performance.now();
      await work;
      return performance.now() - start;
    };
    await readThere('/products/5', other);
    network.silence();
    // Its statement, and no more; then everybody is served at once while one looks whether it is back.
    expect(await timeOf(get('/products/5', other))).toBeLessThan(HEARD_WITHIN_MS);
    const timesOf = () => times(20, () => timeOf(get('/products/5', other)));
    expect(Math.max(...(await timesOf()))).toBeLessThan(AT_ONCE_MS);

    const [replica] = (other.app.get(Replicas) as unknown as { replicas: { asideUntil: number }[] }).replicas;
    const itsTimeAsideIsOver = () => Object.assign(replica as object, { asideUntil: 0 });
    const down = await readsBy('down', other);
    itsTimeAsideIsOver();
    expect((await timesOf()).filter((ms) => ms > AT_ONCE_MS).length).toBeLessThan(2);
    expect(await readsBy('down', other)).toBe(down + 1);

    network.restore();
    itsTimeAsideIsOver();
    await readThere('/products/5', other);
    await other.close();
    await network.close();
  });

  it('that is killed is missed by nobody', async () => {
    await readThere('/products/5');
    const down = await readsBy('down');
    const reading = times(200, () => get('/products/5'));
    await pair.standby.kill();
    await reading;
    await times(50, () => get('/products'));
    expect(await readsBy('down')).toBeGreaterThan(down);
    const { status, body }: any = await fetch(`${app.url}/health/ready`).then(async (answer) => ({
      status: answer.status,
      body: await answer.json(),
    }));
    expect([status, body.checks.database]).toEqual([200, 'up']);
  });
});
