import { copyFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { findFreePort } from '../../src/platform/database/postgres-launch.js';
import { Place, type Service, until } from './service.js';

const MIGRATE = fileURLToPath(new URL('../../dist/platform/database/migrate.js', import.meta.url));
const ADMIN = { ADMIN_EMAIL: 'grace@shop.example', ADMIN_PASSWORD: 'compiler-0-compiler' };

// One empty database on a server of our own: first left alone, then migrated, then seeded.
let place: Place;
let service: Service;
let DATABASE_URL: string;

beforeAll(async () => {
  place = await Place.make();
  const server = process.env.TEST_POSTGRES_URL as string;
  const name = `start_${process.pid}_${Date.now()}`;
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  DATABASE_URL = server.replace(/holdfast$/, name);
});

afterAll(() => place.clear());

afterEach(async () => {
  service.kill('SIGTERM');
  expect([await service.ended(), service.stderr]).toEqual([0, '']);
});

async function products(): Promise<number> {
  return ((await (await service.call('/api/v1/products')).json()) as any).products.length;
}

it('unmigrated and MIGRATE_ON_START=false: it starts, says what is missing, and is ready when somebody has migrated', async () => {
  service = await place.start({ DATABASE_URL, MIGRATE_ON_START: 'false', SEED_DEMO: 'true', ...ADMIN });
  expect(service.stdout).toContain('npm run migrate');
  const before = await service.call('/health/ready');
  expect([before.status, await before.json()]).toEqual([
    503,
    { status: 'down', checks: { database: 'up', migrations: 'down', outbox: 'down' } },
  ]);
  expect((await service.call('/health')).status).toBe(200);

  const migration = place.spawn({ DATABASE_URL }, MIGRATE);
  expect([await migration.ended(), migration.stderr]).toEqual([0, '']);
  expect(migration.stdout).toMatch(/^\d{14}-\S+\.sql$/m);
  await until(async () => (await service.call('/health/ready')).status === 200);
});

it('uses that server: no Postgres of its own, no demo catalog, the admin who is named', async () => {
  service = await place.start({ DATABASE_URL, ...ADMIN });
  expect(await readdir(place.dataDir)).not.toContain('postgres');
  expect(await products()).toBe(0);
  expect(service.stdout).not.toContain('log in as');
  const credentials = { email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD };
  const { status, body } = await service.post('/api/v1/auth/login', credentials);
  expect([status, body.user.role]).toEqual([200, 'admin']);
});

it('the admin who is named can log in as soon as the service is ready', async () => {
  const named = { ADMIN_EMAIL: 'ada@shop.example', ADMIN_PASSWORD: 'analytical-engine' };
  const port = await findFreePort();
  service = place.spawn({ DATABASE_URL, PORT: String(port), ...named });
  const address = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${address}/health/ready`)
      .then(({ status }) => status === 200)
      .catch(() => false);
  await until(isReady);
  const { status } = await fetch(`${address}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: named.ADMIN_EMAIL, password: named.ADMIN_PASSWORD }),
  });
  expect(status).toBe(200);
  await service.greeted();
});

it('SEED_DEMO=true puts the demo catalog there', async () => {
  service = await place.start({ DATABASE_URL, SEED_DEMO: 'true' });
  expect(await products()).toBe(5);
});

it('.env.example, copied as it is to .env, changes nothing: sessions hold over a restart, and payments are the sandbox’s', async () => {
  await copyFile(new URL('../../.env.example', import.meta.url), `${place.folder}/.env`);
  service = await place.start({ DATABASE_URL });
  const token = await service.register('lovelace@shop.example');
  await service.post('/api/v1/cart/items', { product_id: 5, quantity: 1 }, token);
  const { body } = await service.post('/api/v1/checkout', {}, token, 'one');
  expect(body).toMatchObject({ status: 'COMPLETED', payment: { provider: 'sandbox' } });
  service.kill('SIGTERM');
  expect(await service.ended()).toBe(0);

  service = await place.start({ DATABASE_URL });
  expect((await service.call('/api/v1/auth/me', { token })).status).toBe(200);
});
