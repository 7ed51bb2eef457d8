import { findFreePort } from '../../src/platform/database/postgres-launch.js';
import { cloneDatabase, type TestDatabase } from '../support/boot.js';
import { expectPromisesKept } from '../support/promises.js';
import { Balancer } from './balancer.js';
import { Place, type Service, until } from './service.js';

const MOUSE = 2;
const SHOPPERS = 4;

// Two instances on one database behind a balancer, and customers who never stop.
let database: TestDatabase;
let balancer: Balancer;
const places: Place[] = [];
const services: Service[] = [];
const settings: Record<string, string>[] = [];
let token: string;

beforeAll(async () => {
  database = await cloneDatabase();
  await database.sql('UPDATE products SET stock = 100000, first_count = 100000 WHERE id = $1', [MOUSE]);
  for (let at = 0; at < 2; at++) {
    places.push(await Place.make());
    settings.push({
      PORT: String(await findFreePort()),
      DATABASE_URL: database.url,
      JWT_SECRET: 'the same for all instances, and long enough',
      SHUTDOWN_NOTICE_SECONDS: '1',
    });
  }
  services.push(...(await Promise.all([0, 1].map((at) => start(at)))));
  balancer = new Balancer(settings.map(({ PORT }) => Number(PORT)));
  token = (await balancer.send('POST', '/api/v1/auth/guest'))?.body.access_token;
}, 90_000);

afterAll(async () => {
  await balancer?.close();
  for (const place of places) await place.clear();
  await database?.drop();
});

const start = (at: number): Promise<Service> => (places[at] as Place).start(settings[at]);

/** Buys and looks, over and over, while `work` is done. @returns the orders that were acknowledged. */
async function whileTheyShop(work: () => Promise<void>): Promise<string[]> {
  const acknowledged: string[] = [];
  let isOver = false;
  const shop = async () => {
    while (!isOver) {
      const order = { items: [{ product_id: MOUSE, quantity: 1 }] };
      const placed = await balancer.send(
        'POST',
        '/api/v1/orders',
        { authorization: `Bearer ${token}` },
        order,
      );
      if (placed) expect(placed).toMatchObject({ status: 201 });
      if (placed) acknowledged.push(placed.body.id);
      const seen = await balancer.send('GET', `/api/v1/products/${MOUSE}`);
      if (seen) expect(seen.status).toBe(200);
    }
  };
  const shopping = Promise.all(Array.from({ length: SHOPPERS }, shop));
  await until(() => acknowledged.length > SHOPPERS);
  try {
    await work();
  } finally {
    isOver = true;
    await shopping;
  }
  return acknowledged;
}

async function expectAllThere(acknowledged: string[]): Promise<void> {
  const rows = await database.sql('SELECT id FROM orders WHERE id = ANY($1::uuid[])', [acknowledged]);
  expect(new Set(rows.map(({ id }) => id))).toEqual(new Set(acknowledged));
  await expectPromisesKept(database);
}

describe('two instances under load', () => {
  it('are restarted one after the other, and every request is answered', async () => {
    const acknowledged = await whileTheyShop(async () => {
      for (const at of [0, 1]) {
        const service = services[at] as Service;
        const before = balancer.answered;
        service.kill('SIGTERM');
        service.kill('SIGTERM');
        expect([await service.ended(), service.stderr]).toEqual([0, '']);
        services[at] = await start(at);
        // The other one was not idle meanwhile.
        expect(balancer.answered).toBeGreaterThan(before);
      }
    });
    expect(balancer.lost).toEqual([]);
    await expectAllThere(acknowledged);
    const placed = await database.sql('SELECT count(*)::int AS n FROM orders');
    expect(placed[0]?.n).toBe(acknowledged.length);
  }, 120_000);

  it('(control) lose requests when one is killed instead, though nothing that was acknowledged', async () => {
    const acknowledged = await whileTheyShop(async () => {
      const service = services[0] as Service;
      service.kill('SIGKILL');
      await service.ended();
      await until(() => balancer.lost.length > 0);
    });
    await expectAllThere(acknowledged);
  }, 60_000);
});
