import { isAlive, Place, type Service, until } from './service.js';

// The story of one service: started for the first time, stopped, and started again. Each part needs those before it.
let place: Place;
let service: Service;
let credentials: { email: string; password: string };
let postgres: number;
let customer: string;
let order: any;

beforeAll(async () => {
  place = await Place.make();
  service = await place.start();
  postgres = (await place.postgresPid()) as number;
});

afterAll(() => place.clear());

async function login(): Promise<any> {
  return service.post('/api/v1/auth/login', credentials);
}

describe('the first start', () => {
  it('says where everything is', async () => {
    expect(service.stdout).toMatch(/^ {2}Holdfast is ready\.$/m);
    for (const line of [
      /^ {2}API +(\S+)$/m,
      /^ {2}API docs +(\S+) /m,
      /OpenAPI: (\S+)\)/,
      /^ {2}Admin +(\S+\/admin\/)$/m,
      /^ {12}log in as \S+ with \S+ {2}\(shown only this once\)$/m,
    ]) {
      expect(service.stdout).toMatch(line);
    }
    const documents = [...service.stdout.matchAll(/http:\/\/\S+\/(?:docs|openapi\.json)/g)];
    expect(documents).toHaveLength(2);
    for (const [address] of documents) expect((await fetch(address)).status).toBe(200);
    expect(service.stderr).toBe('');
  });

  it('gives a first request to paste, which shows the five demo products', async () => {
    const address = /^ +curl (\S+)$/m.exec(service.stdout)?.[1] as string;
    const response = await fetch(address);
    const { products } = (await response.json()) as any;
    expect(response.status).toBe(200);
    const shown = products.map(({ id, name, price, stock, currency }: any) => [
      id,
      name,
      price,
      stock,
      currency,
    ]);
    expect(shown).toEqual([
      [1, 'Laptop', 1299.99, 100, 'USD'],
      [2, 'Mouse', 29.99, 500, 'USD'],
      [3, 'Keyboard', 89.99, 300, 'USD'],
      [4, 'Monitor', 399.99, 150, 'USD'],
      [5, 'Headphones', 249.99, 200, 'USD'],
    ]);
  });

  it('names no address that leads nowhere', async () => {
    const addresses = [...service.stdout.matchAll(/http:\/\/localhost[^\s)]+/g)].map(([address]) => address);
    // The admin's page is built for `npm start`, and not for these tests: test/platform/admin-page.test.ts is about it.
    const pages = addresses.filter((address) => !/\/(api\/v1|admin\/)$/.test(address));
    expect(pages).toHaveLength(3);
    for (const page of pages) expect([page, (await fetch(page)).status]).toEqual([page, 200]);
  });

  it('makes an admin, whose password works', async () => {
    const [, email = '', password = ''] = /log in as (\S+) with (\S+)/.exec(service.stdout) ?? [];
    expect(password.length).toBeGreaterThanOrEqual(16);
    credentials = { email, password };
    const { status, body } = await login();
    expect([status, body.user.role]).toEqual([200, 'admin']);
    expect((await service.call('/api/v1/admin/orders', { token: body.access_token })).status).toBe(200);
  });

  it('is ready', async () => {
    expect((await service.call('/health/ready')).status).toBe(200);
  });
});

describe('beside a running service', () => {
  it('a second one on the same data folder refuses with a sentence, and the first goes on', async () => {
    const second = place.spawn();
    expect(await second.ended()).toBe(1);
    expect(second.stderr).toMatch(/^[^\n]+\.\n$/);
    expect(second.stderr).toContain(place.dataDir);
    expect(isAlive(postgres)).toBe(true);
    expect((await service.call('/health/ready')).status).toBe(200);
  });

  it('a second one on the same port refuses with a sentence and leaves nothing behind', async () => {
    const elsewhere = await Place.make();
    const { port } = new URL(service.url);
    const second = elsewhere.spawn({ PORT: port });
    expect(await second.ended()).toBe(1);
    expect(second.stderr).toBe(`Port ${port} is taken; set PORT to another one.\n`);
    expect(await elsewhere.postgresPids()).toEqual([]);

    // The failed start has not used up the password of the first admin, which nobody has seen.
    const third = await elsewhere.start();
    expect(third.stdout).toMatch(/log in as \S+ with \S+/);
    third.kill('SIGTERM');
    expect(await third.ended()).toBe(0);
    await elsewhere.clear();
  });
});

describe('SIGTERM', () => {
  it('lets a checkout under way finish, answers 503 to who asks whether it is ready, and ends with 0', async () => {
    customer = await service.register('ada@shop.example');
    await service.post('/api/v1/cart/items', { product_id: 1, quantity: 2 }, customer);
    const checkout = service.post('/api/v1/checkout', { payment_token: 'tok_slow' }, customer, 'slow');
    // The order is there, so the payment has begun or is about to: three seconds of it.
    await until(async () => {
      const list = await service.call('/api/v1/orders', { token: customer });
      return ((await list.json()) as any).orders.length === 1;
    });

    service.kill('SIGTERM');
    await until(async () => (await service.call('/health/ready')).status === 503);
    const ready: any = await (await service.call('/health/ready')).json();
    expect(ready).toEqual({ status: 'down', checks: { database: 'up', migrations: 'up', outbox: 'up' } });
    expect((await service.call('/health')).status).toBe(200);
    service.kill('SIGTERM');

    const answer = await checkout;
    order = answer.body;
    expect([answer.status, order.status]).toEqual([200, 'COMPLETED']);
    expect([await service.ended(), service.stderr]).toEqual([0, '']);
    expect(isAlive(postgres)).toBe(false);
    expect(await place.postgresPids()).toEqual([]);
  });
});

describe('the second start', () => {
  it('shows no password, and the first one still works', async () => {
    service = await place.start();
    expect(service.stdout).not.toContain('log in as');
    expect(service.stdout).not.toContain(credentials.password);
    expect((await login()).status).toBe(200);
  });

  it('has everything that was there: the order, its payment, the stock, the session', async () => {
    const found: any = await (
      await service.call(`/api/v1/orders/${order.order_id}`, { token: customer })
    ).json();
    expect([found.status, found.payment_status, found.total_price]).toEqual(['paid', 'paid', 2599.98]);
    const laptop: any = await (await service.call('/api/v1/products/1')).json();
    expect(laptop.stock).toBe(98);
  });

  it('answers a repeat of the checkout as before, and charges nothing', async () => {
    const again = await service.post('/api/v1/checkout', { payment_token: 'tok_slow' }, customer, 'slow');
    expect(again).toEqual({ status: 200, replayed: true, body: order });
  });

  it('ends with 0 at Ctrl-C as well, at once and with its Postgres', async () => {
    const pid = (await place.postgresPid()) as number;
    service.kill('SIGINT');
    service.kill('SIGINT');
    expect(await service.ended()).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a signal during the start', () => {
  it('ends it, with 0 and without a Postgres', async () => {
    const early = place.spawn();
    await until(async () => (await place.postgresPid()) !== null);
    early.kill('SIGTERM');
    expect(await early.ended()).toBe(0);
    expect(early.stderr).toBe('');
    expect(await place.postgresPids()).toEqual([]);
  });
});
