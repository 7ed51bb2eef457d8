import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';
import { BY_HAND, Client, newRef, Tables, times } from './holds.js';

let database: TestDatabase;
let app: TestApp;
let tables: Tables;
let admin: Client;
let warehouse: Client;
let customer: Client;

beforeAll(async () => {
  database = await cloneDatabase();
  tables = new Tables(database);
  app = await bootApp(database, BY_HAND);
  admin = new Client(app, (await givenAdmin(app, database)).headers);
  warehouse = new Client(app, (await givenApiKey(app, 'inventory:read', 'inventory:write')).headers);
  customer = new Client(app, (await givenCustomer(app)).headers);
});
afterAll(async () => {
  expect(await tables.ledgerIsRight()).toBe(true);
  await app.close();
  await database.drop();
});

const secondsHeld = ({ created_at, expires_at }: { created_at: string; expires_at: string }) =>
  (Date.parse(expires_at) - Date.parse(created_at)) / 1_000;

async function givenHold(more: object = {}, quantity = 2) {
  const product_id = await tables.product(10);
  const order_id = newRef();
  const { status, body } = await warehouse.reserve({ order_id, items: [{ product_id, quantity }], ...more });
  expect(status).toBe(201);
  return { ...body, product_id } as Record<string, any>;
}

/** A pending order of the shop's own. */
async function givenOrder() {
  const product_id = await tables.product(10);
  const { status, body } = await customer.order([{ product_id, quantity: 3 }]);
  expect(status).toBe(201);
  return { order: body, product_id };
}

describe('a reservation', () => {
  it('takes the goods, sums lines of one product, and says until when', async () => {
    const [one, other] = [await tables.product(10), await tables.product(10)];
    const order_id = newRef();
    const { status, body } = await warehouse.reserve({
      order_id,
      items: [
        { product_id: other, quantity: 1 },
        { product_id: one, quantity: 2 },
        { product_id: other, quantity: 3 },
      ],
      payment_method: 'bank_transfer',
    });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      order_id,
      status: 'active',
      payment_method: 'bank_transfer',
      items: [
        { product_id: one, quantity: 2 },
        { product_id: other, quantity: 4 },
      ],
      ttl_seconds: 14_400,
      expires_at: expect.any(String),
      reason: null,
      created_at: expect.any(String),
      ended_at: null,
    });
    expect(secondsHeld(body)).toBe(14_400);
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([8, 6]);
    expect((await admin.get(body.id)).body).toEqual(body);
  });

  it.each([
    ['cod', 86_400],
    ['bank_transfer', 14_400],
    ['installment', 7_200],
    ['credit_card', 1_800],
    ['e_wallet', 900],
    ['invoice', 1_800],
    [undefined, 1_800],
  ])('by %s holds for %s seconds', async (payment_method, seconds) => {
    const hold = await givenHold({ payment_method });
    expect([hold.ttl_seconds, secondsHeld(hold as never)]).toEqual([seconds, seconds]);
    expect(hold.payment_method).toBe(payment_method ?? null);
  });

  it.each([1, 604_800])('holds for the %s seconds that are asked for', async (ttl_seconds) => {
    const hold = await givenHold({ payment_method: 'cod', ttl_seconds });
    expect([hold.ttl_seconds, secondsHeld(hold as never)]).toEqual([ttl_seconds, ttl_seconds]);
  });

  it.each([
    ['order_id', { order_id: undefined }],
    ['order_id', { order_id: '' }],
    ['order_id', { order_id: 'x'.repeat(65) }],
    ['order_id', { order_id: 'a\u0000b' }],
    ['order_id', { order_id: 7 }],
    ['items', { items: [] }],
    ['items', { items: undefined }],
    ['items', { items: Array.from({ length: 1_001 }, () => ({ product_id: 1, quantity: 1 })) }],
    ['items.0.quantity', { items: [{ product_id: 1, quantity: 0 }] }],
    ['items.0.quantity', { items: [{ product_id: 1, quantity: 1.5 }] }],
    ['items.0.product_id', { items: [{ product_id: '1', quantity: 1 }] }],
    ['items.0.price', { items: [{ product_id: 1, quantity: 1, price: 1 }] }],
    ['payment_method', { payment_method: '' }],
    ['payment_method', { payment_method: 'x'.repeat(51) }],
    ['ttl_seconds', { ttl_seconds: 0 }],
    ['ttl_seconds', { ttl_seconds: 604_801 }],
    ['ttl_seconds', { ttl_seconds: '60' }],
    ['status', { status: 'fulfilled' }],
    ['expires_at', { expires_at: '2030-01-01T00:00:00Z' }],
  ])('is refused for its %s', async (field, wrong) => {
    const order_id = newRef();
    const { status, body } = await warehouse.reserve({
      order_id,
      items: [{ product_id: 1, quantity: 1 }],
      ...wrong,
    });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(body.errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
  });

  it('takes nothing when one line is short, and says of which product there is how much', async () => {
    const [one, other] = [await tables.product(10), await tables.product(3)];
    const order_id = newRef();
    const items = [
      { product_id: one, quantity: 1 },
      { product_id: other, quantity: 4 },
    ];
    const { status, body } = await warehouse.reserve({ order_id, items });
    expect([status, body.code]).toEqual([409, 'insufficient_stock']);
    expect(body.items).toEqual([{ product_id: other, requested: 4, available: 3 }]);
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([10, 3]);
    expect(await tables.hold(order_id)).toBeUndefined();
  });

  it('names the product that is unknown', async () => {
    const { status, body } = await warehouse.reserve({
      order_id: newRef(),
      items: [{ product_id: 999_999, quantity: 1 }],
    });
    expect([status, body.code]).toEqual([404, 'not_found']);
    expect(body.detail).toContain('999999');
  });
});

describe('the same reservation again', () => {
  it('answers the same and takes nothing', async () => {
    const [one, other] = [await tables.product(10), await tables.product(10)];
    const order_id = newRef();
    const items = [
      { product_id: other, quantity: 1 },
      { product_id: one, quantity: 2 },
    ];
    const first = await warehouse.reserve({ order_id, items, payment_method: 'cod' });
    const again = await warehouse.reserve({ order_id, items: items.reverse(), payment_method: 'cod' });
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([8, 9]);
  });

  it('answers how long it is held by now', async () => {
    const hold = await givenHold({ ttl_seconds: 600 });
    const extended = await warehouse.extend(hold.id, 100);
    const again = await warehouse.reserve({ order_id: hold.order_id, items: hold.items });
    expect([again.status, again.body]).toEqual([201, extended.body]);
  });

  // An answer of 201 would be taken for goods that are held.
  it.each<[string, string, (hold: Record<string, any>) => Promise<unknown>, number]>([
    ['released', 'cancelled', ({ id }) => warehouse.release(id), 10],
    ['confirmed', 'fulfilled', ({ id }) => warehouse.confirm(id), 8],
    ['run out', 'expired', ({ order_id }) => tables.runOut([order_id]), 8],
  ])('is refused when it is %s', async (_, status, end, stock) => {
    const hold = await givenHold();
    await end(hold);
    const again = await warehouse.reserve({ order_id: hold.order_id, items: hold.items });
    expect([again.status, again.body.code]).toEqual([409, 'reservation_not_active']);
    expect(again.body.reservation_status).toBe(status);
    expect(await tables.stock(hold.product_id)).toBe(stock);
  });

  it('is made once by twenty at once', async () => {
    const product_id = await tables.product(10);
    const order_id = newRef();
    const answers = await times(20, () =>
      warehouse.reserve({ order_id, items: [{ product_id, quantity: 2 }] }),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(await tables.stock(product_id)).toBe(8);
  });

  it('is replayed under its idempotency key', async () => {
    const product_id = await tables.product(10);
    const request = { order_id: newRef(), items: [{ product_id, quantity: 2 }] };
    const key = newRef();
    const first = await warehouse.reserve(request, key);
    await warehouse.release(first.body.id);
    const again = await warehouse.reserve(request, key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await warehouse.reserve({ ...request, ttl_seconds: 60 }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  });

  it.each([
    ['goods', { items: [{ product_id: 1, quantity: 1 }] }],
    ['a payment method', { payment_method: 'cod' }],
    ['a time', { ttl_seconds: 60 }],
  ])('with other %s is refused', async (_, other) => {
    const { order_id, items } = await givenHold();
    const { status, body } = await warehouse.reserve({ order_id, items, ...other });
    expect([status, body.code]).toEqual([409, 'order_id_taken']);
  });
});

describe('an order id', () => {
  it("of the shop's own order cannot be reserved for, however it is written", async () => {
    const { order, product_id } = await givenOrder();
    for (const order_id of [order.id, order.id.toUpperCase()]) {
      const { status, body } = await warehouse.reserve({ order_id, items: [{ product_id, quantity: 3 }] });
      expect([status, body.code]).toEqual([409, 'order_not_cancellable']);
    }
    expect(await tables.stock(product_id)).toBe(7);
  });

  it('for which goods were taken already cannot be reserved for, whatever the goods', async () => {
    const [one, other] = [await tables.product(10), await tables.product(10)];
    const order_id = newRef();
    const taken = await warehouse.send('POST', '/inventory/decrement', {
      order_id,
      items: [{ product_id: one, quantity: 1 }],
    });
    expect(taken.status).toBe(200);
    for (const product_id of [one, other]) {
      const { status, body } = await warehouse.reserve({ order_id, items: [{ product_id, quantity: 1 }] });
      expect([status, body.code]).toEqual([409, 'order_id_taken']);
    }
    expect([await tables.stock(one), await tables.stock(other)]).toEqual([9, 10]);
  });

  it('is taken once when a decrement and a reservation of other goods come at once', async () => {
    for (let round = 0; round < 20; round++) {
      const [one, other] = [await tables.product(1), await tables.product(1)];
      const order_id = newRef();
      const [taken, reserved] = await Promise.all([
        warehouse.send('POST', '/inventory/decrement', {
          order_id,
          items: [{ product_id: one, quantity: 1 }],
        }),
        warehouse.reserve({ order_id, items: [{ product_id: other, quantity: 1 }] }),
      ]);
      expect([taken.status, reserved.status].sort()).toContain(409);
      expect((await tables.stock(one)) + (await tables.stock(other))).toBe(1);
    }
  });

  it('that was rolled back before cannot be reserved for', async () => {
    const product_id = await tables.product(10);
    const order_id = newRef();
    await warehouse.send('POST', '/inventory/rollback', { order_id });
    const { status, body } = await warehouse.reserve({ order_id, items: [{ product_id, quantity: 1 }] });
    expect([status, body.code]).toEqual([409, 'already_rolled_back']);
    expect(await tables.stock(product_id)).toBe(10);
  });
});

describe('the end of a reservation', () => {
  it('by confirmation keeps the goods sold', async () => {
    const hold = await givenHold();
    const { status, body } = await warehouse.confirm(hold.id);
    expect([status, body.status, body.reason]).toEqual([200, 'fulfilled', null]);
    expect(body.ended_at).not.toBeNull();
    expect(await tables.stock(hold.product_id)).toBe(8);
    expect(await tables.told(hold.order_id)).toEqual([]);
  });

  it('by release gives the goods back, and tells so', async () => {
    const hold = await givenHold();
    const { status, body } = await warehouse.release(hold.id, 'the customer went away');
    expect([status, body.status, body.reason]).toEqual([200, 'cancelled', 'the customer went away']);
    expect(await tables.stock(hold.product_id)).toBe(10);
    const [event] = await database.sql(
      `SELECT data FROM events WHERE type = 'reservation.released' AND data->>'order_id' = $1`,
      [hold.order_id],
    );
    expect(event?.data).toEqual({
      reservation_id: hold.id,
      order_id: hold.order_id,
      reason: 'the customer went away',
      items: [{ product_id: hold.product_id, quantity: 2 }],
    });
  });

  it.each(['confirm', 'release'] as const)(
    'by %s again answers the same and changes nothing',
    async (end) => {
      const hold = await givenHold();
      const first = await warehouse[end](hold.id);
      const told = await tables.told(hold.order_id);
      const again = await warehouse[end](hold.id);
      expect([again.status, again.body]).toEqual([200, first.body]);
      expect(await tables.told(hold.order_id)).toEqual(told);
      expect(await tables.stock(hold.product_id)).toBe(end === 'confirm' ? 8 : 10);
    },
  );

  it.each([
    ['confirm', 'release', 'fulfilled'],
    ['release', 'confirm', 'cancelled'],
  ] as const)('by %s is not changed by %s', async (end, other, status) => {
    const hold = await givenHold();
    await warehouse[end](hold.id);
    for (const late of [await warehouse[other](hold.id), await warehouse.extend(hold.id, 1)]) {
      expect([late.status, late.body.code]).toEqual([409, 'reservation_not_active']);
      expect(late.body.reservation_status).toBe(status);
    }
    expect((await warehouse.get(hold.id)).body.status).toBe(status);
  });

  it('needs a reason for a release', async () => {
    const hold = await givenHold();
    const { status, body } = await warehouse.send('POST', `/inventory/reservations/${hold.id}/release`, {});
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });

  it('comes with a rollback of the order', async () => {
    const hold = await givenHold();
    const { status } = await warehouse.send('POST', '/inventory/rollback', { order_id: hold.order_id });
    expect(status).toBe(200);
    expect((await warehouse.get(hold.id)).body.status).toBe('cancelled');
    expect(await tables.stock(hold.product_id)).toBe(10);
    expect(await tables.told(hold.order_id)).toEqual(['reservation.released']);
  });
});

describe('a reservation whose time has passed', () => {
  it('is seen as expired, before anybody has ended it', async () => {
    const hold = await givenHold();
    await tables.runOut([hold.order_id]);
    const { body } = await warehouse.get(hold.id);
    expect([body.status, body.ended_at]).toEqual(['expired', body.expires_at]);
    const list = async (status: string) =>
      (
        await warehouse.send(
          'GET',
          `/inventory/reservations?order_id=${hold.order_id}&status=${status}&count=true`,
        )
      ).body;
    expect(await list('expired')).toMatchObject({ reservations: [body], total: 1 });
    expect(await list('active')).toMatchObject({ reservations: [], total: 0 });
    expect((await tables.hold(hold.order_id)).status).toBe('active');
  });

  it.each([
    ['confirmed', (id: string) => warehouse.confirm(id)],
    ['released', (id: string) => warehouse.release(id)],
    ['extended', (id: string) => warehouse.extend(id, 1)],
  ])('cannot be %s: it expires instead, once', async (_, act) => {
    const hold = await givenHold();
    await tables.runOut([hold.order_id]);
    for (const { status, body } of [await act(hold.id), await act(hold.id)]) {
      expect([status, body.code, body.reservation_status]).toEqual([
        409,
        'reservation_not_active',
        'expired',
      ]);
    }
    const { body } = await warehouse.get(hold.id);
    expect([body.status, body.reason]).toEqual(['expired', 'not confirmed in time']);
    expect(await tables.stock(hold.product_id)).toBe(10);
    expect(await tables.told(hold.order_id)).toEqual(['reservation.expired']);
  });
});

describe('an extension', () => {
  it('moves the end, and tells so', async () => {
    const hold = await givenHold({ ttl_seconds: 600 });
    const { status, body } = await warehouse.extend(hold.id, 100);
    expect(status).toBe(200);
    expect([body.ttl_seconds, secondsHeld(body)]).toEqual([600, 700]);
    expect(await tables.told(hold.order_id)).toEqual(['reservation.extended']);
  });

  it('doubles the first time at most, however it is divided', async () => {
    const hold = await givenHold({ ttl_seconds: 600 });
    const tooLong = await warehouse.extend(hold.id, 601);
    expect([tooLong.status, tooLong.body.code]).toEqual([409, 'extension_too_long']);
    expect(tooLong.body.seconds_left).toBe(600);
    expect((await warehouse.extend(hold.id, 400)).status).toBe(200);
    expect((await warehouse.extend(hold.id, 201)).body.code).toBe('extension_too_long');
    expect((await warehouse.extend(hold.id, 200)).status).toBe(200);
    expect((await warehouse.extend(hold.id, 1)).body.code).toBe('extension_too_long');
    expect(secondsHeld((await warehouse.get(hold.id)).body)).toBe(1_200);
    expect(await tables.told(hold.order_id)).toHaveLength(2);
  });

  it('stays within its bound when twenty come at once', async () => {
    const hold = await givenHold({ ttl_seconds: 600 });
    const answers = await times(20, () => warehouse.extend(hold.id, 200));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(secondsHeld((await warehouse.get(hold.id)).body)).toBe(1_200);
  });

  it('is made once under its idempotency key', async () => {
    const hold = await givenHold({ ttl_seconds: 600 });
    const answers = [await warehouse.extend(hold.id, 300, 'k'), await warehouse.extend(hold.id, 300, 'k')];
    expect(answers.map(({ body }) => secondsHeld(body))).toEqual([900, 900]);
  });

  it.each([0, -1, 1.5, 604_801, '60'])('of %s seconds is refused', async (seconds) => {
    const { status, body } = await warehouse.extend((await givenHold()).id, seconds as number);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });
});

describe("a hold of the shop's own order", () => {
  it('can be seen, with what it holds', async () => {
    const { order, product_id } = await givenOrder();
    const { body } = await warehouse.get(order.reservation.id);
    expect(body).toMatchObject({
      order_id: order.id,
      status: 'active',
      payment_method: 'credit_card',
      items: [{ product_id, quantity: 3 }],
      expires_at: order.reservation.expires_at,
    });
  });

  it('ends with its order only', async () => {
    const { order, product_id } = await givenOrder();
    const ends = [await admin.confirm(order.reservation.id), await admin.release(order.reservation.id)];
    for (const { status, body } of ends) expect([status, body.code]).toEqual([409, 'order_not_cancellable']);
    expect(await tables.stock(product_id)).toBe(7);
    await customer.send('POST', `/orders/${order.id}/cancel`, {});
    expect((await warehouse.get(order.reservation.id)).body.status).toBe('cancelled');
    expect(await tables.stock(product_id)).toBe(10);
    expect(await tables.told(order.id)).toEqual(['reservation.released']);
  });

  it('can be extended, and its order says so', async () => {
    const { order } = await givenOrder();
    const { status, body } = await admin.extend(order.reservation.id, 600);
    expect(status).toBe(200);
    expect(Date.parse(body.expires_at) - Date.parse(order.reservation.expires_at)).toBe(600_000);
    const seen = await customer.send('GET', `/orders/${order.id}`);
    expect(seen.body.reservation.expires_at).toBe(body.expires_at);
  });

  it('that has run out is seen as expired, unless the order is just being paid', async () => {
    const { order } = await givenOrder();
    await tables.runOut([order.id]);
    expect((await warehouse.get(order.reservation.id)).body.status).toBe('expired');
    await database.sql(`UPDATE orders SET payment_status = 'processing' WHERE id = $1`, [order.id]);
    expect((await warehouse.get(order.reservation.id)).body).toMatchObject({
      status: 'active',
      ended_at: null,
    });
  });

  it('that has run out cannot be extended: the order expires', async () => {
    const { order, product_id } = await givenOrder();
    await tables.runOut([order.id]);
    const { status, body } = await admin.extend(order.reservation.id, 600);
    expect([status, body.code]).toEqual([409, 'reservation_not_active']);
    expect((await customer.send('GET', `/orders/${order.id}`)).body.status).toBe('expired');
    expect(await tables.stock(product_id)).toBe(10);
  });
});

describe('the list of reservations', () => {
  it('is newest first, page by page, filtered and counted', async () => {
    const product_id = await tables.product(100);
    const made: string[] = [];
    for (let index = 0; index < 5; index++) {
      const items = [{ product_id, quantity: 1 }];
      made.unshift((await warehouse.reserve({ order_id: newRef(), items, ttl_seconds: 60 })).body.id);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (seen.length < 5) {
      const { body } = await warehouse.send('GET', `/inventory/reservations?limit=2${cursor}`);
      seen.push(...body.reservations.map(({ id }: { id: string }) => id));
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen.slice(0, 5)).toEqual(made);

    await warehouse.release(made[0] as string);
    const { body } = await warehouse.send(
      'GET',
      '/inventory/reservations?status=cancelled&limit=1&count=true',
    );
    expect(body.reservations[0]).toMatchObject({ id: made[0], status: 'cancelled', items: [{ product_id }] });
    const [{ total }] = (await database.sql(
      `SELECT count(*)::int AS total FROM reservations WHERE status = 'cancelled'`,
    )) as [{ total: number }];
    expect(body.total).toBe(total);
  });

  it('finds the one of an order', async () => {
    const hold = await givenHold();
    const path = `/inventory/reservations?order_id=${encodeURIComponent(hold.order_id)}`;
    const { body } = await warehouse.send('GET', path);
    expect(body).toEqual({ reservations: [expect.objectContaining({ id: hold.id })], next_cursor: null });
    expect(
      (await warehouse.send('GET', '/inventory/reservations?order_id=nobody')).body.reservations,
    ).toEqual([]);
  });

  it.each([
    'status=open',
    'limit=0',
    'limit=101',
    'cursor=x',
    `cursor=${Buffer.from(JSON.stringify(['reservations', '-'.repeat(36)])).toString('base64url')}`,
    'order_id=',
    'sort=id',
  ])('refuses %s', async (query) => {
    const { status, body } = await warehouse.send('GET', `/inventory/reservations?${query}`);
    expect([status, body.code]).toEqual([400, 'validation_failed']);
  });

  it('knows no other ids', async () => {
    expect((await warehouse.get('nonsense')).status).toBe(400);
    const unknown = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
    const answers = [
      await warehouse.get(unknown),
      await warehouse.confirm(unknown),
      await warehouse.release(unknown),
      await warehouse.extend(unknown, 1),
    ];
    for (const { status, body } of answers)
      expect([status, body.detail]).toEqual([404, 'reservation not found']);
  });
});

describe('reservations', () => {
  it('are for admins and API keys with the scope', async () => {
    const hold = await givenHold();
    const reader = new Client(app, (await givenApiKey(app, 'inventory:read')).headers);
    const writer = new Client(app, (await givenApiKey(app, 'inventory:write')).headers);
    const stranger = new Client(app, {});
    const request = { order_id: newRef(), items: [{ product_id: hold.product_id, quantity: 1 }] };
    expect((await stranger.reserve(request)).status).toBe(401);
    expect((await stranger.get(hold.id)).status).toBe(401);
    expect((await customer.reserve(request)).status).toBe(403);
    expect((await customer.send('GET', '/inventory/reservations')).status).toBe(403);
    expect((await reader.reserve(request)).status).toBe(403);
    expect((await reader.confirm(hold.id)).status).toBe(403);
    expect((await reader.release(hold.id)).status).toBe(403);
    expect((await reader.extend(hold.id, 1)).status).toBe(403);
    expect((await writer.get(hold.id)).status).toBe(403);
    expect((await reader.get(hold.id)).status).toBe(200);
    expect((await writer.reserve(request)).status).toBe(201);
    expect((await admin.reserve({ ...request, order_id: newRef() })).status).toBe(201);
  });
});
