import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { Scrape } from '../support/scrape.js';
import { isAlive, Place, type Service, signal, until } from './service.js';

/** Each part starts processes, on a machine that may have to share two cores with many. */
const PATIENCE_MS = 90_000;
/** What is kept of the catalog for so long shows soon only because the workers tell each other. */
const PRODUCT_CACHE_MS = '15000';
const TWO = { WEB_CONCURRENCY: '2', LOG_FORMAT: 'json', PRODUCT_CACHE_MS };

// The story of one service with two workers, each part after the ones before it.
let place: Place;
let service: Service;
let customer: string;
const bought = new Map<string, string>();

beforeAll(async () => {
  place = await Place.make();
  service = await place.start(TWO);
  customer = await service.register('ada@shop.example');
}, PATIENCE_MS);

afterAll(() => place.clear());

/** Connections go round, and several at once are several. */
async function bothAnswer(): Promise<number[]> {
  const before = service.workerPids.length;
  await until(async () => {
    await Promise.all(Array.from({ length: 4 }, () => look('/health')));
    return service.workerPids.filter(isAlive).length === 2;
  }, 60_000);
  expect(service.workerPids.length).toBeGreaterThanOrEqual(before);
  return service.workerPids.filter(isAlive);
}

/** On a connection of its own. */
async function look(path: string): Promise<Response> {
  return service.call(path, { headers: { connection: 'close' } });
}

const UNANSWERED_MS = 3_000;

/** Buys a mouse for each key, eight at a time; what got no answer is sent again. @returns how often that was so. */
async function buy(keys: string[], meanwhile: (placed: number) => void = () => undefined): Promise<number> {
  const left = [...keys];
  let unanswered = 0;
  const shop = async () => {
    for (let key = left.shift(); key !== undefined; key = left.shift()) {
      const body = { items: [{ product_id: 2, quantity: 1 }] };
      // A connection that was on its way to the one who is killed may be answered by nobody.
      const placed = await within(UNANSWERED_MS, service.post('/api/v1/orders', body, customer, key));
      if (placed?.status === 201) bought.set(key, placed.body.id);
      else {
        expect(placed?.status ?? 409).toBe(409);
        unanswered += 1;
        left.push(key);
      }
      meanwhile(bought.size);
    }
  };
  await Promise.all(Array.from({ length: 8 }, shop));
  return unanswered;
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T | null> {
  return Promise.race([answer.catch(() => null), pause(ms, null, { ref: false })]);
}

async function expectNothingLost(): Promise<void> {
  // What a worker did in its last moment it has told nobody.
  await until(async () => (await stockOfMice()) === 500 - bought.size, 30_000);
  expect(new Set(bought.values()).size).toBe(bought.size);
}

async function stockOfMice(): Promise<number> {
  const mouse: any = await (await look('/api/v1/products/2')).json();
  return mouse.stock;
}

const keys = (name: string, count: number) => Array.from({ length: count }, (_, at) => `${name}-${at}`);

describe('two workers', () => {
  it(
    'greet once, with one admin, and both serve',
    async () => {
      const pids = await bothAnswer();
      expect(pids).not.toContain(service.pid);
      expect(service.stdout.match(/Holdfast is ready/g)).toHaveLength(1);
      expect(service.stdout.match(/shown only this once/g)).toHaveLength(1);
      await buy(keys('first', 20));
      await expectNothingLost();
    },
    PATIENCE_MS,
  );

  it(
    'show what the other has sold',
    async () => {
      const everybodySees = async (stock: number) => {
        const seen = await Promise.all(Array.from({ length: 8 }, stockOfMice));
        return seen.every((each) => each === stock);
      };
      await until(() => everybodySees(500 - bought.size));
      await buy(keys('shown', 1));
      await until(() => everybodySees(500 - bought.size), 5_000);
    },
    PATIENCE_MS,
  );

  it(
    'are scraped as one: each figure of each, told by its place',
    async () => {
      const text = await (await look('/metrics')).text();
      const scrape = new Scrape(text);
      for (const worker of ['1', '2']) {
        const answered = scrape.figure('http_request_duration_seconds_count', { worker, route: '/health' });
        expect(answered).toBeGreaterThan(0);
        expect(scrape.figure('database_pool_max', { worker })).toBe(10);
      }
      expect(scrape.figure('placement_batch_size_sum')).toBe(21);
      const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
      expect(new Set(families).size).toBe(families.length);
    },
    PATIENCE_MS,
  );

  it(
    'lose nothing that was acknowledged when one is killed under load, and it is replaced',
    async () => {
      const [victim] = await bothAnswer();
      let isKilled = false;
      await buy(keys('second', 80), (placed) => {
        if (placed < 40 || isKilled) return;
        isKilled = true;
        signal(victim as number, 'SIGKILL');
      });
      expect(isKilled).toBe(true);
      const pids = await bothAnswer();
      expect(pids).not.toContain(victim);
      expect(bought.size).toBe(101);
      await expectNothingLost();
      expect(service.stdout).toMatch(/worker \d is replaced: it has ended with SIGKILL/);
    },
    PATIENCE_MS,
  );

  it(
    'end when the process that started them is killed; the next start finds everything',
    async () => {
      const pids = await bothAnswer();
      service.kill('SIGKILL');
      await until(() => !pids.some(isAlive));

      service = await place.start(TWO);
      await expectNothingLost();
    },
    PATIENCE_MS,
  );

  it(
    'stop with it, and a second signal changes nothing',
    async () => {
      const pids = await bothAnswer();
      const slow = service
        .post('/api/v1/cart/items', { product_id: 3, quantity: 1 }, customer)
        .then(() => service.post('/api/v1/checkout', { payment_token: 'tok_slow' }, customer, 'slow'));
      await until(async () => {
        const list: any = await (
          await service.call('/api/v1/orders?limit=1', { token: customer, headers: { connection: 'close' } })
        ).json();
        return list.orders[0].payment_status === 'processing';
      });
      service.kill('SIGTERM');
      service.kill('SIGTERM');
      for (const pid of pids) signal(pid, 'SIGTERM');
      expect(await slow).toMatchObject({ status: 200, body: { status: 'COMPLETED' } });
      expect([await service.ended(), service.stderr]).toEqual([0, '']);
      expect(pids.some(isAlive)).toBe(false);
      expect(await place.postgresPids()).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('workers that cannot start', () => {
  let other: Place;

  beforeAll(async () => {
    other = await Place.make();
  });

  afterAll(() => other.clear());

  it(
    'are one sentence when it is the first',
    async () => {
      const neighbour = createServer().listen(0, '127.0.0.1');
      await once(neighbour, 'listening');
      const { port } = neighbour.address() as { port: number };
      const refused = other.spawn({ ...TWO, PORT: String(port) });
      expect(await refused.ended()).toBe(1);
      neighbour.close();
      expect(refused.stderr).toBe(`Port ${port} is taken; set PORT to another one.\n`);
    },
    PATIENCE_MS,
  );

  it(
    'are given up, when nobody serves any more, with the reason',
    async () => {
      const server = process.env.TEST_POSTGRES_URL as string;
      const name = `workers_${process.pid}_${Date.now()}`;
      const admin = new pg.Client({ connectionString: server });
      await admin.connect();
      await admin.query(`CREATE DATABASE ${name} TEMPLATE holdfast_template`);
      service = await other.start({ ...TWO, DATABASE_URL: server.replace(/holdfast$/, name) });
      const pids = await bothAnswer();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
      for (const pid of pids) signal(pid, 'SIGKILL');
      await until(() => !isAlive(service.pid), 80_000);
      expect(await service.ended()).toBe(1);
      expect(service.stderr).toMatch(
        /^Worker \d has failed 4 times in a row, at last: The database at \S+ cannot be used: .* does not exist; see DATABASE_URL\.\n$/,
      );
    },
    PATIENCE_MS,
  );
});
