import { isAlive, Place, type Service, signal, until } from './service.js';

// `kill -9`, again and again, of one shop.
let place: Place;
let service: Service;
let customer: string;
const acknowledged: any[] = [];

beforeAll(async () => {
  place = await Place.make();
  service = await place.start();
  customer = await service.register('ada@shop.example');
});

afterAll(() => place.clear());

/** Buys one mouse for each of the keys, all at once; remembers what was answered. */
async function buy(...keys: string[]): Promise<void> {
  const body = { items: [{ product_id: 2, quantity: 1 }] };
  const placed = await Promise.all(keys.map((key) => service.post('/api/v1/orders', body, customer, key)));
  for (const [at, { status, body }] of placed.entries()) {
    expect(status).toBe(201);
    acknowledged.push({ key: keys[at], id: body.id });
  }
}

async function expectNothingLost(): Promise<void> {
  const list: any = await (await service.call('/api/v1/orders?limit=100', { token: customer })).json();
  const ids = list.orders.map(({ id }: any) => id).sort();
  expect(ids).toEqual(acknowledged.map(({ id }) => id).sort());
  const mouse: any = await (await service.call('/api/v1/products/2')).json();
  expect(mouse.stock).toBe(500 - acknowledged.length);
  for (const { key, id } of acknowledged) {
    const again = await service.post(
      '/api/v1/orders',
      { items: [{ product_id: 2, quantity: 1 }] },
      customer,
      key,
    );
    expect(again).toMatchObject({ status: 201, replayed: true, body: { id } });
  }
}

describe('kill -9', () => {
  it('of the service alone leaves a Postgres that the next start takes over, with every acknowledged order', async () => {
    await buy('a', 'b', 'c', 'd');
    const postgres = (await place.postgresPid()) as number;
    service.kill('SIGKILL');
    expect(await service.ended()).toBe('SIGKILL');
    expect(isAlive(postgres)).toBe(true);

    service = await place.start();
    expect(await place.postgresPid()).toBe(postgres);
    await expectNothingLost();
  });

  it('of the service and of all of Postgres is recovered from, with every acknowledged order', async () => {
    await buy('e', 'f', 'g');
    const before = await place.postgresPids();
    expect(before.length).toBeGreaterThan(3);
    service.kill('SIGKILL');
    for (const pid of before) signal(pid, 'SIGKILL');
    await service.ended();
    await until(() => before.every((pid) => !isAlive(pid)));

    service = await place.start();
    expect(before).not.toContain(await place.postgresPid());
    await expectNothingLost();
  });

  it('of Postgres alone is recovered from by the running service', async () => {
    await buy('h');
    const postgres = (await place.postgresPid()) as number;
    signal(postgres, 'SIGKILL');
    await until(async () => {
      const pid = await place.postgresPid();
      return pid !== postgres && (await service.call('/health/ready')).status === 200;
    }, 20_000);
    await expectNothingLost();
    await buy('i');
  });

  it('in the middle of a payment does not charge twice: the next start finds out and completes the order', async () => {
    await service.post('/api/v1/cart/items', { product_id: 3, quantity: 1 }, customer);
    const cutOff = service
      .post('/api/v1/checkout', { payment_token: 'tok_slow' }, customer, 'slow')
      .catch(() => 'cut off');
    await until(async () => {
      const list: any = await (await service.call('/api/v1/orders?limit=1', { token: customer })).json();
      return list.orders[0].payment_status === 'processing';
    });
    service.kill('SIGKILL');
    expect(await cutOff).toBe('cut off');

    service = await place.start({ PAYMENT_RECOVERY_SECONDS: '1' });
    const list: any = await (await service.call('/api/v1/orders?limit=1', { token: customer })).json();
    const [{ id }] = list.orders;
    await until(async () => {
      const order: any = await (await service.call(`/api/v1/orders/${id}`, { token: customer })).json();
      return order.status === 'paid';
    }, 20_000);
    const { payments }: any = await (
      await service.call(`/api/v1/orders/${id}/payments`, { token: customer })
    ).json();
    expect(payments).toEqual([expect.objectContaining({ status: 'succeeded', attempt: 1, amount: 89.99 })]);
  });

  it('leaves nothing that keeps an orderly stop from ending with 0', async () => {
    service.kill('SIGTERM');
    expect(await service.ended()).toBe(0);
    expect(await place.postgresPids()).toEqual([]);
  });
});
