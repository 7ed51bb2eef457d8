import { request } from 'node:http';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { MemoryRateLimitStore } from '../../src/platform/http/rate-limit.store.js';
import { type Allowance, BUDGETS } from '../../src/platform/http/rate-limit-budgets.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { GIVEN_PASSWORD, type GivenUser, givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';
import { type Answer, call, countOf, expectProblem, type Wish } from '../support/given-shop.js';

let database: TestDatabase;
const apps: TestApp[] = [];

beforeAll(async () => {
  database = await cloneDatabase();
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});
afterAll(() => database.drop());

/** An application that limits, and behind a proxy, so that a test can call from anywhere. */
async function givenLimits(settings: Record<string, string> = {}): Promise<TestApp> {
  const app = await bootApp(database, { RATE_LIMIT_FACTOR: '1', TRUST_PROXY: '1', ...settings });
  apps.push(app);
  return app;
}

const from = (address: string, wish: Wish = {}): Wish => ({
  ...wish,
  headers: { ...wish.headers, 'X-Forwarded-For': address },
});

const logIn = (app: TestApp, email: unknown, password: string, address = '192.0.2.1'): Promise<Answer> =>
  call(app, null, 'POST', '/auth/login', from(address, { body: { email, password } }));

async function repeat(times: number, work: (n: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let n = 0; n < times; n++) answers.push(await work(n));
  return answers;
}

const standing = ({ headers }: Answer) => ({
  limit: Number(headers['ratelimit-limit']),
  remaining: Number(headers['ratelimit-remaining']),
  reset: Number(headers['ratelimit-reset']),
});

const refusals = (answers: Answer[]) => countOf(answers, 429);

describe('a budget', () => {
  it('is told of on every answer, and refuses what is beyond it', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    const read = () => call(app, null, 'GET', '/products');
    const [first, second, third, fourth] = (await repeat(4, read)) as [Answer, Answer, Answer, Answer];
    expect([first, second, third].map(standing)).toEqual([
      { limit: 3, remaining: 2, reset: 60 },
      { limit: 3, remaining: 1, reset: expect.any(Number) },
      { limit: 3, remaining: 0, reset: expect.any(Number) },
    ]);
    expectProblem(fourth, 429, 'rate_limited');
    const { reset, ...rest } = standing(fourth);
    expect(rest).toEqual({ limit: 3, remaining: 0 });
    expect(reset).toBeGreaterThan(50);
    expect(fourth.headers['retry-after']).toBe(String(reset));
    expect(fourth.body).toMatchObject({
      title: 'Too Many Requests',
      error: `too many requests; try again in ${reset} seconds`,
    });
    expect(fourth.headers['cache-control']).toBe('no-store');
  });

  it('is told of on refusals for other reasons, too, and these count', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    expect(standing(await call(app, null, 'GET', '/products/999999'))).toMatchObject({ remaining: 2 });
    expect(standing(await call(app, null, 'GET', '/products?limit=0'))).toMatchObject({ remaining: 1 });
  });

  it('is whole again when its time is over', async () => {
    const counter = new MemoryRateLimitStore().counter('short', 1, 0.05);
    await counter.consume('ada');
    await expect(counter.consume('ada')).rejects.toMatchObject({ remainingPoints: 0 });
    const passes = () =>
      counter.consume('ada').then(
        () => true,
        () => false,
      );
    await eventually(passes, { within: 2_000, what: 'the next window' });
  });

  it('does not lose count among a hundred calls at once', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.1' });
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(app, null, 'GET', '/products')));
    expect([countOf(answers, 200), refusals(answers)]).toEqual([30, 70]);
  });

  it('is off with RATE_LIMIT_FACTOR=0', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0' });
    const answers = await repeat(12, () => logIn(app, 'nobody@shop.example', 'wrong password'));
    expect(countOf(answers, 401)).toBe(12);
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit-limit');
  });
});

describe('whom a call is counted for', () => {
  it('reads: the address, whoever calls from there', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    const [ada, grace] = [await givenCustomer(app), await givenCustomer(app)];
    await call(app, null, 'GET', '/products', from('192.0.2.1'));
    await call(app, ada, 'GET', '/cart', from('192.0.2.1'));
    await call(app, grace, 'GET', '/orders', from('192.0.2.1'));
    expectProblem(await call(app, ada, 'GET', '/products', from('192.0.2.1')), 429, 'rate_limited');
    expect((await call(app, ada, 'GET', '/products', from('192.0.2.2'))).status).toBe(200);
    const check = { body: { items: [{ product_id: 1, quantity: 1 }] } };
    expect(refusals([await call(app, null, 'POST', '/inventory/check', from('192.0.2.1', check))])).toBe(1);
  });

  it('an address is what the connection says, unless TRUST_PROXY believes the proxy', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY: 'false' });
    const answers = await repeat(4, (n) => call(app, null, 'GET', '/products', from(`192.0.2.${n}`)));
    expect(refusals(answers)).toBe(1);
  });

  it('an address is what the proxy has seen, whatever its client has said before it', async () => {
    const said = (n: number) => from(`203.0.113.${n}, 198.51.100.${n}, 192.0.2.50`);
    for (const TRUST_PROXY of ['1', '127.0.0.1', 'loopback']) {
      const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY });
      const answers = await repeat(4, (n) => call(app, null, 'GET', '/products', said(n)));
      expect([TRUST_PROXY, refusals(answers)]).toEqual([TRUST_PROXY, 1]);
    }
  });

  it('an address is what the first of two proxies has seen, when there are two', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY: '2' });
    const behind = (client: string) =>
      call(app, null, 'GET', '/products', from(`203.0.113.9, ${client}, 10.0.0.1`));
    expect(refusals(await repeat(4, () => behind('192.0.2.60')))).toBe(1);
    expect((await behind('192.0.2.61')).status).toBe(200);
  });

  it('an address is not what other headers say', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01', TRUST_PROXY: 'false' });
    const answers = await repeat(4, (n) => {
      const address = `192.0.2.${n}`;
      const headers = { 'X-Real-IP': address, Forwarded: `for=${address}`, 'X-Forwarded-For': address };
      return call(app, null, 'GET', '/products', { headers });
    });
    expect(refusals(answers)).toBe(1);
  });

  it('an address of IPv6 is its network, of which one customer has all', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    const addresses = ['2001:db8:0:1::1', '2001:db8::1:ffff:0:0:2', '2001:DB8:0:1:abcd::', '2001:db8:0:1::3'];
    const answers = await repeat(4, (n) => call(app, null, 'GET', '/products', from(addresses[n] as string)));
    expect(refusals(answers)).toBe(1);
    expect((await call(app, null, 'GET', '/products', from('2001:db8:0:2::1'))).status).toBe(200);
    expect((await call(app, null, 'GET', '/products', from('::ffff:192.0.2.9'))).status).toBe(200);
  });

  it('orders and checkouts: the user, wherever they call from', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.05' });
    const [ada, grace] = [await givenCustomer(app), await givenCustomer(app)];
    const body = { items: [{ product_id: 5, quantity: 1 }] };
    const place = (user: GivenUser, address: string) =>
      call(app, user, 'POST', '/orders', from(address, { body }));
    const first = await place(ada, '192.0.2.1');
    const second = await place(ada, '192.0.2.2');
    const { id } = first.body;
    const cancelled = await call(app, ada, 'POST', `/orders/${id}/cancel`);
    expect([first, second, cancelled].map((answer) => standing(answer).remaining)).toEqual([2, 1, 0]);
    expectProblem(
      await call(app, ada, 'POST', '/checkout', { body: { idempotency_key: 'one' } }),
      429,
      'rate_limited',
    );
    expectProblem(await call(app, ada, 'POST', `/orders/${id}/payments`, { body: {} }), 429, 'rate_limited');
    expect((await place(grace, '192.0.2.1')).status).toBe(201);
    expect((await call(app, ada, 'GET', '/orders')).status).toBe(200);
  });

  it('what is refused was not begun', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.001' });
    const ada = await givenCustomer(app);
    const body = { items: [{ product_id: 5, quantity: 1 }] };
    const answers = await Promise.all(
      Array.from({ length: 5 }, (_, n) => call(app, ada, 'POST', '/orders', { body, key: `key-${n}` })),
    );
    expect([countOf(answers, 201), refusals(answers)]).toEqual([1, 4]);
    expect(await database.sql('SELECT id FROM orders WHERE user_id = $1', [ada.id])).toHaveLength(1);
  });

  it('product writes: the admin', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.04' });
    const [one, other] = [await givenAdmin(app, database), await givenAdmin(app, database)];
    const write = (admin: GivenUser) => call(app, admin, 'PATCH', '/products/5', { body: {} });
    const answers = await repeat(3, () => write(one));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect((await write(other)).status).toBe(200);
  });

  it('inventory writes: the key', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    const [one, other] = [
      await givenApiKey(app, 'inventory:write'),
      await givenApiKey(app, 'inventory:write'),
    ];
    const body = { product_id: 5, type: 'in', quantity: 1 };
    const write = ({ headers }: { headers: object }, path = 'movements') =>
      call(app, null, 'POST', `/inventory/${path}`, { body, headers: headers as Record<string, string> });
    expect((await write(one)).status).toBe(201);
    expectProblem(await write(one, 'reservations'), 429, 'rate_limited');
    expect((await write(other)).status).toBe(201);
  });
});

describe('what is not limited', () => {
  it('probes and the documentation', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.001' });
    for (const path of ['/health', '/health/ready', '/openapi.json', '/docs']) {
      for (let times = 0; times < 3; times++) {
        const { status, headers } = await fetch(`${app.url}${path}`);
        expect([path, status, headers.get('ratelimit-limit')]).toEqual([path, 200, null]);
      }
    }
  });

  it('the cart', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.001' });
    const ada = await givenCustomer(app);
    const body = { product_id: 5, quantity: 1 };
    const answers = await repeat(3, () => call(app, ada, 'POST', '/cart/items', { body }));
    expect(countOf(answers, 200)).toBe(3);
  });
});

describe('logging in', () => {
  it('is slowed after ten tries a minute from one address for one e-mail, also with the right password', async () => {
    const app = await givenLimits();
    const { user } = await givenCustomer(app);
    const email = user.email as string;
    const answers = await repeat(10, (n) => logIn(app, n % 2 ? email.toUpperCase() : ` ${email}`, 'wrong'));
    expect(countOf(answers, 401)).toBe(10);
    expect(standing(answers[9] as Answer)).toMatchObject({ limit: 10, remaining: 0 });
    expectProblem(await logIn(app, email, GIVEN_PASSWORD), 429, 'rate_limited');
    expect((await logIn(app, email, GIVEN_PASSWORD, '192.0.2.2')).status).toBe(200);
    expect((await logIn(app, 'somebody@shop.example', 'wrong')).status).toBe(401);
  });

  it('asks the database nothing and verifies nothing when it is refused', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.1' });
    await logIn(app, 'nobody@shop.example', 'wrong');
    const database = app.app.get(DatabaseService);
    const asked: string[] = [];
    const read = database.read.bind(database);
    database.read = (statement, values) => {
      asked.push(statement.name);
      return read(statement, values);
    };
    expect((await logIn(app, 'nobody@shop.example', 'wrong')).status).toBe(429);
    expect(asked.filter((name) => name.startsWith('user-'))).toEqual([]);
  });

  it('for one e-mail is slowed after a hundred guesses an hour, from however many addresses', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.1' });
    const { user } = await givenCustomer(app);
    const guesses = await repeat(10, (n) => logIn(app, user.email, 'wrong', `192.0.2.${n}`));
    expect(countOf(guesses, 401)).toBe(10);
    const refused = await logIn(app, user.email, GIVEN_PASSWORD, '192.0.2.77');
    expectProblem(refused, 429, 'rate_limited');
    expect(standing(refused)).toMatchObject({ limit: 10, remaining: 0 });
    expect(standing(refused).reset).toBeGreaterThan(3_500);
  });

  it('tells nobody by that whether there is such an account', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.02' });
    const { user } = await givenCustomer(app);
    const said = async (email: unknown) => {
      const answers = await repeat(3, (n) => logIn(app, email, 'wrong', `192.0.2.${n}`));
      return answers.map(({ status, body, headers }) => [status, body.code, headers['ratelimit-limit']]);
    };
    expect(await said(user.email)).toEqual(await said('nobody@shop.example'));
  });

  it('from one address is slowed after three hundred guesses an hour, at however many accounts', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.02' });
    const guesses = await repeat(6, (n) => logIn(app, `person-${n}@shop.example`, 'wrong'));
    expect(countOf(guesses, 401)).toBe(6);
    const { user } = await givenCustomer(app);
    expectProblem(await logIn(app, user.email, GIVEN_PASSWORD), 429, 'rate_limited');
    expect((await logIn(app, user.email, GIVEN_PASSWORD, '192.0.2.2')).status).toBe(200);
  });

  it('with success, or with what is no attempt, is no guess', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.03' });
    const { user } = await givenCustomer(app);
    const successes = await repeat(8, (n) => logIn(app, user.email, GIVEN_PASSWORD, `192.0.2.${n}`));
    expect(countOf(successes, 200)).toBe(8);
    const malformed = await repeat(8, (n) => logIn(app, user.email, '', `192.0.2.${n + 20}`));
    expect(countOf(malformed, 400)).toBe(8);
    expect((await logIn(app, user.email, GIVEN_PASSWORD, '192.0.2.50')).status).toBe(200);
  });

  it('counts what is no e-mail, too, whatever it is', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.2' });
    const odd = [undefined, null, 7, ['ada@shop.example'], { a: 1 }, 'x'.repeat(100_000)];
    for (const email of odd) {
      const answers = await repeat(3, () => logIn(app, email, 'wrong', '192.0.2.9'));
      expect(answers.every(({ status }) => status === 400 || status === 429)).toBe(true);
    }
  });

  it('guesses that come all at once are counted before any is answered', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.05' });
    const { user } = await givenCustomer(app);
    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, n) => logIn(app, user.email, 'wrong', `192.0.2.${n}`)),
    );
    expect([countOf(guesses, 401), refusals(guesses)]).toEqual([5, 25]);
  });
});

describe('newcomers', () => {
  it('are limited by the address, as guests and as customers', async () => {
    const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
    const enter = () => call(app, null, 'POST', '/auth/guest');
    expect(countOf(await repeat(3, enter), 201)).toBe(3);
    expectProblem(await enter(), 429, 'rate_limited');
    const body = { email: 'new@shop.example', password: 'a good password', name: 'Ada' };
    expectProblem(await call(app, null, 'POST', '/auth/register', { body }), 429, 'rate_limited');
  });
});

describe('the memory that counts', () => {
  it('is bounded: whose window is the oldest is forgotten first', async () => {
    const counter = new MemoryRateLimitStore().counter('bounded', 1, 60);
    for (let n = 0; n < 10_000; n++) await counter.consume(`key ${n}`);
    await expect(counter.consume('key 0')).rejects.toMatchObject({ consumedPoints: 2 });
    await counter.consume('one more');
    expect((await counter.consume('key 0')).consumedPoints).toBe(1);
    await expect(counter.consume('key 9999')).rejects.toMatchObject({ consumedPoints: 2 });
    const { windows, limiter } = counter as unknown as {
      windows: Map<string, number>;
      limiter: { dump(): { storage: unknown[] } };
    };
    expect([windows.size, limiter.dump().storage.length]).toEqual([10_000, 10_000]);
  });

  it('gives nothing back to whom it has forgotten', async () => {
    const counter = new MemoryRateLimitStore().counter('forgotten', 1, 60);
    await counter.reward('ada');
    expect((await counter.consume('ada')).consumedPoints).toBe(1);
  });
});

it("takes nobody's address for another, however it is written", () => {
  const [{ per }] = BUDGETS.reads as [Allowance];
  const key = (ip: string) => per({ ip } as never);
  expect(key('192.0.2.1')).toBe('192.0.2.1');
  expect(key('::ffff:192.0.2.1')).toBe('192.0.2.1');
  expect(key('::ffff:c000:201')).toBe('192.0.2.1');
  expect(key('0:0:0:0:0:FFFF:192.0.2.1')).toBe('192.0.2.1');
  expect(key('::1')).toBe('0:0:0:0::/64');
  expect(key('2001:db8::5')).toBe('2001:db8:0:0::/64');
  expect(key('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(key('64:ff9b::192.0.2.1')).toBe('64:ff9b:0:0::/64');
  expect(key('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(key('x'.repeat(10_000))).toHaveLength(64);
});

it('counts a HEAD as the read that it is', async () => {
  const app = await givenLimits({ RATE_LIMIT_FACTOR: '0.01' });
  const head = () =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${app.url}/api/v1/products`, { method: 'HEAD', agent: false }, ({ statusCode }) =>
        resolve(statusCode),
      )
        .on('error', reject)
        .end();
    });
  expect([await head(), await head(), await head(), await head()]).toEqual([200, 200, 200, 429]);
});
