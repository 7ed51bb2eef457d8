import { jest } from '@jest/globals';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenCustomer } from '../support/given.js';
import { BY_HAND, Client, newRef, Tables, times } from './holds.js';

let database: TestDatabase;
let tables: Tables;
const apps: TestApp[] = [];
let app: TestApp;
let admin: Client;
let customer: Client;

async function givenApp(settings: Record<string, string> = BY_HAND): Promise<TestApp> {
  const booted = await bootApp(database, settings);
  apps.push(booted);
  return booted;
}

const holdsOf = (instance: TestApp) => instance.app.get(OverdueHolds);

beforeAll(async () => {
  database = await cloneDatabase();
  tables = new Tables(database);
  app = await givenApp();
  admin = new Client(app, (await givenAdmin(app, database)).headers);
  customer = new Client(app, (await givenCustomer(app)).headers);
});
afterEach(async () => {
  jest.restoreAllMocks();
  expect(await tables.ledgerIsRight()).toBe(true);
});
afterAll(async () => {
  for (const booted of apps) await booted.close();
  await database.drop();
});

/** An order of `items` whose time has passed. */
async function givenOverdueOrder(...items: { product_id: number; quantity: number }[]): Promise<string> {
  const { status, body } = await customer.order(items);
  expect(status).toBe(201);
  await tables.runOut([body.id]);
  return body.id;
}

/** A reservation of `items` whose time has passed. */
async function givenOverdueReservation(...items: { product_id: number; quantity: number }[]) {
  const order_id = newRef();
  const { status } = await admin.reserve({ order_id, items });
  expect(status).toBe(201);
  await tables.runOut([order_id]);
  return order_id;
}

const orderOf = async (id: string) => (await customer.send('GET', `/orders/${id}`)).body;
const eventsOf = async (id: string) =>
  (await database.sql(`SELECT type FROM events WHERE data->>'order_id' = $1 ORDER BY type`, [id])).map(
    ({ type }) => type,
  );

/** Makes this hold impossible to end, as a fault in the data would. @returns what makes it possible again. */
async function poison(...orderRefs: string[]): Promise<() => Promise<void>> {
  await database.sql(`
    CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'this hold is spoiled'; END $$;
    CREATE TRIGGER spoiled BEFORE UPDATE OF status ON reservations FOR EACH ROW
      WHEN (NEW.order_ref = ANY('{${orderRefs.join(',')}}')) EXECUTE FUNCTION spoil()`);
  return async () => {
    await database.sql('DROP TRIGGER spoiled ON reservations');
  };
}

/** Looks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const patienceEndsAt = Date.now() + 15_000;
  while (!(await isSo())) if (Date.now() > patienceEndsAt) throw new Error('it did not come about');
}

describe('the sweep', () => {
  it('ends orders and reservations whose time has passed, and no others', async () => {
    const product_id = await tables.product(10);
    const goods = { product_id, quantity: 2 };
    const order = await givenOverdueOrder(goods);
    const reserved = await givenOverdueReservation(goods);
    const alive = await customer.order([goods]);
    const reservedAlive = newRef();
    await admin.reserve({ order_id: reservedAlive, items: [goods] });

    expect(await holdsOf(app).sweep()).toBe(2);
    expect(await tables.stock(product_id)).toBe(6);
    const expired = await orderOf(order);
    expect([expired.status, expired.reservation.status]).toEqual(['expired', 'expired']);
    expect(expired.history.at(-1)).toMatchObject({ status: 'expired', reason: 'not paid in time' });
    expect(await eventsOf(order)).toEqual(['order.expired', 'order.placed', 'reservation.expired']);
    expect(await tables.hold(reserved)).toMatchObject({ status: 'expired', reason: 'not confirmed in time' });
    expect(await eventsOf(reserved)).toEqual(['reservation.expired']);
    expect((await orderOf(alive.body.id)).status).toBe('pending');
    expect((await tables.hold(reservedAlive)).status).toBe('active');

    expect(await holdsOf(app).sweep()).toBe(0);
    expect(await tables.stock(product_id)).toBe(6);
  });

  it('comes by itself', async () => {
    const product_id = await tables.product(1);
    const order_id = newRef();
    await admin.reserve({ order_id, items: [{ product_id, quantity: 1 }], ttl_seconds: 1 });
    const sweeping = await givenApp({ ...BY_HAND, RESERVATION_SWEEP_SECONDS: '1' });
    await until(async () => (await tables.hold(order_id)).status === 'expired');
    expect(await tables.stock(product_id)).toBe(1);
    await sweeping.close();
    apps.splice(apps.indexOf(sweeping), 1);
  });

  it('goes on after a restart in between', async () => {
    const product_id = await tables.product(1);
    const before = await givenApp();
    const orderId = newRef();
    const { headers } = await givenAdmin(before, database);
    await new Client(before, headers).reserve({ order_id: orderId, items: [{ product_id, quantity: 1 }] });
    await before.close();
    apps.splice(apps.indexOf(before), 1);
    await tables.runOut([orderId]);
    expect(await tables.stock(product_id)).toBe(0);
    expect(await holdsOf(await givenApp()).sweep()).toBe(1);
    expect(await tables.stock(product_id)).toBe(1);
  });

  it('ends 250, batch after batch', async () => {
    const product_id = await tables.product(250);
    await tables.givenOverdue(product_id, Array.from({ length: 250 }, newRef));
    expect(await tables.stock(product_id)).toBe(0);
    expect(await holdsOf(app).sweep()).toBe(250);
    expect(await tables.stock(product_id)).toBe(250);
  });

  it('is shared by several instances: each ends some, and nobody one twice', async () => {
    const instances = [app, await givenApp(), await givenApp()];
    const product_id = await tables.product(250);
    const refs = Array.from({ length: 250 }, newRef);
    await tables.givenOverdue(product_id, refs);
    const ended = await Promise.all(instances.map((instance) => holdsOf(instance).sweep()));
    // Who finds all that is left in other hands is done; what those drop is for the next sweep.
    const rest = await holdsOf(app).sweep();
    expect(ended.reduce((sum, count) => sum + count, rest)).toBe(250);
    expect(Math.min(...ended)).toBeGreaterThan(0);
    expect(await tables.stock(product_id)).toBe(250);
    const [row] = await database.sql(
      `SELECT count(*)::int AS events FROM events WHERE type = 'reservation.expired' AND data->>'order_id' = ANY($1)`,
      [refs],
    );
    expect(row?.events).toBe(250);
  });

  it('passes by what cannot be ended, were it more than a batch', async () => {
    const product_id = await tables.product(130);
    const spoiled = Array.from({ length: 120 }, newRef);
    const sound = Array.from({ length: 10 }, newRef);
    await tables.givenOverdue(product_id, [...spoiled, ...sound]);
    const cure = await poison(...spoiled);
    expect(await holdsOf(app).sweep()).toBe(10);
    expect(await tables.stock(product_id)).toBe(10);
    await cure();
    expect(await holdsOf(app).sweep()).toBe(120);
    expect(await tables.stock(product_id)).toBe(130);
  });

  it('passes by an order that cannot be ended', async () => {
    const product_id = await tables.product(10);
    const spoiled = await givenOverdueOrder({ product_id, quantity: 1 });
    const sound = await givenOverdueOrder({ product_id, quantity: 1 });
    const cure = await poison(spoiled);
    expect(await holdsOf(app).sweep()).toBe(1);
    expect([(await orderOf(spoiled)).status, (await orderOf(sound)).status]).toEqual(['pending', 'expired']);
    await cure();
    expect(await holdsOf(app).sweep()).toBe(1);
  });
});

describe('an overdue hold on goods that somebody needs', () => {
  it.each([
    ['an order', givenOverdueOrder],
    ['a reservation', givenOverdueReservation],
  ])('of %s is ended by a placement, in its transaction', async (_, given) => {
    const product_id = await tables.product(3);
    const overdue = await given({ product_id, quantity: 2 });
    const { status, body } = await customer.order([{ product_id, quantity: 3 }]);
    expect(status).toBe(201);
    expect(await tables.stock(product_id)).toBe(0);
    const hold = await tables.hold(overdue);
    expect(hold.status).toBe('expired');
    // Both are the beginning of one transaction.
    expect(hold.ended_at.toISOString()).toBe(body.created_at);
    expect(await tables.told(overdue)).toEqual(['reservation.expired']);
  });

  it.each([
    ['an order', givenOverdueOrder],
    ['a reservation', givenOverdueReservation],
  ])('of %s is ended by a reservation, in its transaction', async (_, given) => {
    const product_id = await tables.product(3);
    const overdue = await given({ product_id, quantity: 2 });
    const order_id = newRef();
    const { status, body } = await admin.reserve({ order_id, items: [{ product_id, quantity: 3 }] });
    expect([status, body.status]).toEqual([201, 'active']);
    expect(await tables.stock(product_id)).toBe(0);
    expect((await tables.hold(overdue)).ended_at.toISOString()).toBe(body.created_at);
  });

  it('is ended by a decrement', async () => {
    const product_id = await tables.product(3);
    const overdue = await givenOverdueOrder({ product_id, quantity: 2 });
    const { status } = await admin.send('POST', '/inventory/decrement', {
      order_id: newRef(),
      items: [{ product_id, quantity: 3 }],
    });
    expect(status).toBe(200);
    expect((await orderOf(overdue)).status).toBe('expired');
  });

  it('is ended by the checkout of a cart', async () => {
    const product_id = await tables.product(1);
    const overdue = await givenOverdueOrder({ product_id, quantity: 1 });
    const other = new Client(app, (await givenCustomer(app)).headers);
    await other.send('POST', '/cart/items', { product_id, quantity: 1 });
    const { status, body } = await other.send('POST', '/checkout', {
      idempotency_key: 'k',
      payment_method: 'cod',
    });
    expect([status, body.status]).toEqual([200, 'COMPLETED']);
    expect((await orderOf(overdue)).status).toBe('expired');
  });

  it('is not ended when the goods are there without it, nor beyond what is needed', async () => {
    const product_id = await tables.product(10);
    const overdue = [
      await givenOverdueOrder({ product_id, quantity: 3 }),
      await givenOverdueReservation({ product_id, quantity: 3 }),
    ];
    const asked = jest.spyOn(holdsOf(app), 'lookAgain');
    expect((await customer.order([{ product_id, quantity: 4 }])).status).toBe(201);
    expect(
      (await admin.reserve({ order_id: newRef(), items: [{ product_id: 1, quantity: 1 }] })).status,
    ).toBe(201);
    // What is had at once asks for no overdue holds.
    expect(asked).not.toHaveBeenCalled();
    expect((await customer.order([{ product_id, quantity: 2 }])).status).toBe(201);
    const statuses = [(await tables.hold(overdue[0]!)).status, (await tables.hold(overdue[1]!)).status];
    expect(statuses).toEqual(['expired', 'active']);
    expect(await tables.stock(product_id)).toBe(1);
  });

  it('gives back all that it holds, of other products as well', async () => {
    const [one, other] = [await tables.product(2), await tables.product(5)];
    await givenOverdueOrder({ product_id: one, quantity: 2 }, { product_id: other, quantity: 5 });
    expect((await customer.order([{ product_id: one, quantity: 1 }])).status).toBe(201);
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([1, 5]);
  });

  it('counts as free in a refusal', async () => {
    const product_id = await tables.product(5);
    await givenOverdueOrder({ product_id, quantity: 3 });
    const items = [{ product_id, quantity: 6 }];
    const short = { items: [{ product_id, requested: 6, available: 5 }], code: 'insufficient_stock' };
    const reserved = await admin.reserve({ order_id: newRef(), items });
    expect([reserved.status, reserved.body]).toEqual([409, expect.objectContaining(short)]);
    const placed = await customer.order(items);
    expect([placed.status, placed.body]).toEqual([409, expect.objectContaining(short)]);
  });

  it('leaves the rest of a batch as it is', async () => {
    const [one, other] = [await tables.product(1), await tables.product(3)];
    await givenOverdueOrder({ product_id: one, quantity: 1 });
    const answers = await times(20, (index) =>
      customer.order([{ product_id: index % 2 ? one : other, quantity: 1 }]),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(16);
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([0, 0]);
  });

  it('that cannot be ended stays, and harms nobody', async () => {
    const product_id = await tables.product(3);
    const spoiled = await givenOverdueReservation({ product_id, quantity: 1 });
    const sound = await givenOverdueReservation({ product_id, quantity: 2 });
    const cure = await poison(spoiled);
    expect((await customer.order([{ product_id, quantity: 2 }])).status).toBe(201);
    expect((await customer.order([{ product_id, quantity: 1 }])).body.code).toBe('insufficient_stock');
    const late = await admin.reserve({ order_id: newRef(), items: [{ product_id, quantity: 1 }] });
    expect(late.body.code).toBe('insufficient_stock');
    expect([(await tables.hold(spoiled)).status, (await tables.hold(sound)).status]).toEqual([
      'active',
      'expired',
    ]);
    await cure();
    expect((await customer.order([{ product_id, quantity: 1 }])).status).toBe(201);
  });

  it('is the cause of a refusal when nobody ends it', async () => {
    const product_id = await tables.product(1);
    await givenOverdueOrder({ product_id, quantity: 1 });
    jest.spyOn(holdsOf(app), 'lookAgain').mockResolvedValue({ worthRetrying: [], awaited: false });
    const placed = await customer.order([{ product_id, quantity: 1 }]);
    const reserved = await admin.reserve({ order_id: newRef(), items: [{ product_id, quantity: 1 }] });
    for (const { status, body } of [placed, reserved])
      expect([status, body.code]).toEqual([409, 'insufficient_stock']);
  });
});
