import { Logger, type LoggerService } from '@nestjs/common';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type GivenUser, givenCustomer } from '../support/given.js';
import { type Answer, call, countOf, givenProduct, type Wish } from '../support/given-shop.js';
import { scrape } from '../support/scrape.js';
import { RedisServer } from './redis-server.js';

/** Two asks of a quarter of a second each, on a slow machine: far below what a hanging connection would take. */
const BOUND_MS = 3_000;

let redis: RedisServer;
let database: TestDatabase;
let one: TestApp;
let other: TestApp;
const said: string[] = [];

/** What both say about Redis, and nothing else. */
class Listener implements LoggerService {
  log = (text: unknown, context?: string) => this.note(text, context);
  warn = this.log;
  error = () => undefined;
  private note(text: unknown, context?: string): void {
    if (context === 'Redis') said.push(String(text));
  }
}

const settings = (factor: string) => ({
  REDIS_URL: redis.url,
  RATE_LIMIT_FACTOR: factor,
  TRUST_PROXY: '1',
});

beforeAll(async () => {
  redis = await RedisServer.prepare();
  await redis.start();
  database = await cloneDatabase();
  [one, other] = await Promise.all([bootApp(database, settings('0.1')), bootApp(database, settings('0.1'))]);
  Logger.overrideLogger(new Listener());
});
afterEach(async () => {
  redis.goOn();
  if (!redis.isRunning) await redis.start();
  await untilUp(1);
  said.length = 0;
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await redis.close();
  await database.drop();
});

/** Each test calls from a network of its own: what the others have used up is none of its business. */
let network = 0;
beforeEach(() => {
  network += 1;
});
const from = (host = 1, wish: Wish = {}): Wish => ({
  ...wish,
  headers: { 'X-Forwarded-For': `10.0.${network}.${host}` },
});

const read = (app: TestApp, host = 1) => call(app, null, 'GET', '/products/1', from(host));
const guess = (app: TestApp, email: string) =>
  call(app, null, 'POST', '/auth/login', from(1, { body: { email, password: 'wrong' } }));

async function repeat(times: number, work: (n: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let n = 0; n < times; n++) answers.push(await work(n));
  return answers;
}

const up = async (app: TestApp) => (await scrape(app)).figure('rate_limit_redis_up');
const untilUp = (value: 0 | 1) =>
  eventually(async () => (await up(one)) === value && (await up(other)) === value);
const readiness = async (app: TestApp) => {
  const response = await fetch(`${app.url}/health/ready`);
  return { http: response.status, ...((await response.json()) as { status: string; checks: object }) };
};

describe('two instances', () => {
  it('have one budget for reads', async () => {
    const answers = await repeat(36, (n) => read(n % 2 ? one : other));
    expect([countOf(answers, 200), countOf(answers, 429)]).toEqual([30, 6]);
    const remaining = answers.slice(0, 3).map(({ headers }) => headers['ratelimit-remaining']);
    expect(remaining).toEqual(['29', '28', '27']);
    expect(Number(answers[35]?.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('have one budget, also when all come at once', async () => {
    const calls = Array.from({ length: 80 }, (_, n) => read(n % 2 ? one : other));
    const answers = await Promise.all(calls);
    expect([countOf(answers, 200), countOf(answers, 429)]).toEqual([30, 50]);
  });

  it('have one budget for guesses at a password', async () => {
    const email = 'nobody@shop.example';
    const answers = await repeat(4, (n) => guess(n % 2 ? one : other, email));
    expect(answers.map(({ status }) => status)).toEqual([401, 429, 429, 429]);
  });

  it('tell what they have decided', async () => {
    const decided = async (decision: string) =>
      (await scrape(one)).figure('rate_limit_decisions_total', { budget: 'reads', decision }) ?? 0;
    const [allowed, refused] = [await decided('allowed'), await decided('refused')];
    await repeat(32, () => read(one));
    expect([await decided('allowed'), await decided('refused')]).toEqual([allowed + 30, refused + 2]);
  });
});

describe('Redis killed under load and brought back', () => {
  it('costs no request, is logged once each way, and limits go on', async () => {
    const lamp = await givenProduct(database, { stock: 100_000 });
    const shoppers: GivenUser[] = [];
    for (let n = 0; n < 4; n++) shoppers.push(await givenCustomer(one));
    expect((await readiness(one)).checks).toMatchObject({ redis: 'up' });

    const answers: Answer[] = [];
    let isOver = false;
    const shopping = shoppers.map(async (shopper, n) => {
      const app = n % 2 ? one : other;
      while (!isOver) {
        const host = 2 + Math.floor(Math.random() * 250);
        answers.push(await read(app, host));
        const body = { items: [{ product_id: lamp, quantity: 1 }] };
        answers.push(await call(app, shopper, 'POST', '/orders', from(host, { body })));
      }
    });
    const seen = async (count: number) => {
      const target = answers.length + count;
      await eventually(() => answers.length >= target);
    };
    await seen(10);
    await redis.kill();
    await untilUp(0);
    await seen(40);
    const whileAway = await readiness(one);
    expect(whileAway).toMatchObject({ http: 200, status: 'degraded', checks: { redis: 'degraded' } });
    await redis.start();
    await untilUp(1);
    await seen(10);
    isOver = true;
    await Promise.all(shopping);

    // 429 is no failure: each has six orders a minute while Redis counts.
    const failed = answers.filter(({ status }) => ![200, 201, 429].includes(status));
    expect(failed).toEqual([]);
    expect(said).toHaveLength(4);
    expect(said.filter((line) => /^Redis cannot be used: /.test(line))).toHaveLength(2);
    expect(said.filter((line) => line === 'Redis is back: rate limits are shared again')).toHaveLength(2);
    const again = await repeat(32, (n) => read(n % 2 ? one : other, 1));
    expect(countOf(again, 429)).toBe(2);
  });
});

describe('while Redis is away', () => {
  it('reads and orders are let through and counted as that, logins are limited by each for itself', async () => {
    await redis.kill();
    await untilUp(0);
    const opened = async () =>
      (await scrape(one)).figure('rate_limit_decisions_total', {
        budget: 'reads',
        decision: 'failed_open',
      }) ?? 0;
    const before = await opened();
    const answers = await repeat(40, () => read(one));
    expect(countOf(answers, 200)).toBe(40);
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit-limit');
    expect(await opened()).toBe(before + 40);
    const guesses = await repeat(3, () => guess(one, 'somebody@shop.example'));
    expect(guesses.map(({ status }) => status)).toEqual([401, 429, 429]);
  });

  it('a service starts, and shares when it comes', async () => {
    await redis.kill();
    const start = performance.now();
    const late = await bootApp(database, settings('0.1'));
    Logger.overrideLogger(new Listener());
    expect((await read(late)).status).toBe(200);
    expect(await up(late)).toBe(0);
    expect(performance.now() - start).toBeLessThan(20_000);
    await redis.start();
    await eventually(async () => (await up(late)) === 1);
    expect((await read(late)).headers['ratelimit-limit']).toBe('30');
    await late.close();
  });

  it('it is no check where none is configured', async () => {
    const alone = await bootApp(database);
    Logger.overrideLogger(new Listener());
    expect((await readiness(alone)).checks).not.toHaveProperty('redis');
    expect(await up(alone)).toBeUndefined();
    await alone.close();
  });
});

describe('a Redis that hangs', () => {
  it('keeps nobody waiting for long, and later nobody at all', async () => {
    await read(one);
    redis.hang();
    const timed = async (ask: () => Promise<Answer>) => {
      const start = performance.now();
      const { status } = await ask();
      return { status, tookMs: performance.now() - start };
    };
    const first = await Promise.all(Array.from({ length: 20 }, (_, n) => timed(() => read(one, n + 2))));
    expect(first.map(({ status }) => status)).toEqual(Array(20).fill(200));
    for (const { tookMs } of first) expect(tookMs).toBeLessThan(BOUND_MS);
    await untilUp(0);
    const login = await timed(() => guess(one, 'anybody@shop.example'));
    expect(login.status).toBe(401);
    expect(login.tookMs).toBeLessThan(BOUND_MS);
    expect((await guess(one, 'anybody@shop.example')).status).toBe(429);
    redis.goOn();
    await untilUp(1);
    expect((await read(one)).headers['ratelimit-limit']).toBe('30');
  });
});
