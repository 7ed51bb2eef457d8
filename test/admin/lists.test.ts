import { randomUUID } from 'node:crypto';
import { bootWith, Clerk, givenEffects, paid, tell } from '../event/given-consumer.js';
import { BY_HAND } from '../inventory/holds.js';
import { cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { type GivenUser, givenAdmin, givenCustomer, givenGuest } from '../support/given.js';
import { type Answer, call, expectProblem, givenProduct, Shopper } from '../support/given-shop.js';

const NOBODYS_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';

let database: TestDatabase;
let app: TestApp;
let admin: GivenUser;
const clerk = new Clerk();

beforeAll(async () => {
  database = await cloneDatabase();
  await givenEffects(database);
  app = await bootWith(database, [clerk], BY_HAND);
  admin = await givenAdmin(app, database);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const get = (path: string): Promise<Answer> => call(app, admin, 'GET', path);
const cursorOf = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url');

/** Everything that a list has, two rows at a time, by `id` or the member named. */
async function walk(path: string, member = 'id'): Promise<any[]> {
  const rows: any[] = [];
  let cursor: string | null = '';
  do {
    const { status, body } = await get(`${path}&limit=2${cursor && `&cursor=${cursor}`}`);
    expect(status).toBe(200);
    const [list] = Object.values(body).filter(Array.isArray);
    rows.push(...(list as any[]).map((row) => row[member]));
    cursor = body.next_cursor;
  } while (cursor !== null);
  return rows;
}

/** The cursor of a first page that is followed by another one. */
async function nextOf(path: string): Promise<string> {
  const { body } = await get(path);
  expect(body.next_cursor).toEqual(expect.any(String));
  return body.next_cursor;
}

describe("a list's sort", () => {
  it.each([
    '/admin/orders?sort=status',
    '/admin/orders?sort=',
    '/admin/users?sort=-email',
    '/discounts?sort=value',
    '/inventory/reservations?sort=oldest',
    '/inventory/low-stock?sort=name',
    '/inventory/movements?sort=delta',
    '/admin/dead-letters?sort=type',
  ])('is refused when it is not one of its own: %s', async (path) => {
    expectProblem(await get(path), 400, 'validation_failed');
  });

  it.each([
    ['/admin/orders?sort=total', cursorOf('total', 1, '-'.repeat(36))],
    ['/admin/orders?sort=total', cursorOf('total', 1.5, NOBODYS_ID)],
    ['/admin/orders?sort=total', cursorOf('total', NOBODYS_ID, 1)],
    ['/admin/users?sort=name', cursorOf('name', 0, 'a\0', 1)],
    ['/discounts?sort=code', cursorOf('code', 5)],
    [
      '/inventory/reservations?status=active&sort=expires',
      cursorOf('reservations-ending-first', 'x', NOBODYS_ID),
    ],
  ])('refuses a place that it cannot have: %s %s', async (path, cursor) => {
    expectProblem(
      await get(`${path}&cursor=${cursor}`),
      400,
      'validation_failed',
      'cursor is not one of ours',
    );
  });

  it.each([
    ['/admin/orders?sort=total', cursorOf('total', Number.MAX_SAFE_INTEGER, NOBODYS_ID)],
    ['/admin/users?sort=name', cursorOf('name', 9e15, '', 9e15)],
    ['/inventory/low-stock?sort=stock', cursorOf('lowest_stock', 9e15, 9e15)],
    [
      '/inventory/reservations?status=active&sort=expires',
      cursorOf('reservations-ending-first', Number.MAX_SAFE_INTEGER, NOBODYS_ID),
    ],
  ])('ends at a made-up place beyond all: %s %s', async (path, cursor) => {
    const { status, body } = await get(`${path}&cursor=${cursor}`);
    expect([status, body.next_cursor]).toEqual([200, null]);
  });
});

describe("the admin's orders", () => {
  let ada: Shopper;
  let orders: any[];

  beforeAll(async () => {
    ada = new Shopper(app, await givenCustomer(app, { email: 'ada.orders@shop.example' }));
    const product_id = await givenProduct(database, { price: 10 });
    orders = [];
    for (const quantity of [2, 1, 3, 1, 2]) orders.push(await ada.order([{ product_id, quantity }]));
  });
  const idsOf = (...places: number[]) => places.map((place) => orders[place].id);
  const ours = () => `/admin/orders?user=${ada.id}`;

  it('are walked newest first, or oldest first', async () => {
    expect(await walk(ours())).toEqual(idsOf(4, 3, 2, 1, 0));
    expect(await walk(`${ours()}&sort=newest`)).toEqual(idsOf(4, 3, 2, 1, 0));
    expect(await walk(`${ours()}&sort=oldest`)).toEqual(idsOf(0, 1, 2, 3, 4));
  });

  it('are walked by their total, those of one total by their age', async () => {
    expect(await walk(`${ours()}&sort=total`)).toEqual(idsOf(1, 3, 0, 4, 2));
    expect(await walk(`${ours()}&sort=-total`)).toEqual(idsOf(2, 4, 0, 3, 1));
  });

  it('keep to the filter in any sort, and tell how many there are', async () => {
    const { body } = await get(`${ours()}&status=pending&sort=-total&count=true&limit=1`);
    expect(body).toMatchObject({ orders: [{ id: orders[2].id }], total: 5 });
    expect(await walk(`${ours()}&status=paid&sort=total`)).toEqual([]);
  });

  it('refuse the cursor of another sort', async () => {
    const cursor = await nextOf(`${ours()}&sort=total&limit=1`);
    for (const sort of ['-total', 'newest', 'oldest'])
      expectProblem(await get(`${ours()}&sort=${sort}&cursor=${cursor}`), 400, 'validation_failed');
  });

  it("are found by the beginning of the buyer's e-mail, whoever they are by now", async () => {
    for (const q of ['ada.orders@shop.example', 'ADA.Orders', '%20ada.ord'])
      expect(await walk(`/admin/orders?q=${q}`)).toEqual(idsOf(4, 3, 2, 1, 0));
    expect(await walk('/admin/orders?q=orders@shop')).toEqual([]);
    expect(await walk('/admin/orders?q=a%25')).toEqual([]);
    const gone = new Shopper(app, await givenCustomer(app, { email: 'gone@shop.example' }));
    const { id } = await gone.order([{ product_id: 2, quantity: 1 }]);
    await call(app, admin, 'DELETE', `/admin/users/${gone.id}`);
    expect(await walk('/admin/orders?q=gone@')).toEqual([id]);
  });

  it('are found by their id, whole or begun, in any case of letters', async () => {
    const { id } = orders[2];
    for (const q of [id, id.toUpperCase(), id.slice(0, 30), id.replaceAll('-', '')])
      expect(await walk(`/admin/orders?q=${q}`)).toEqual([id]);
    const found = await walk(`/admin/orders?q=${id.slice(0, 6)}`);
    expect(found).toEqual(expect.arrayContaining(idsOf(0, 1, 2, 3, 4)));
    expect(await walk(`/admin/orders?q=${NOBODYS_ID}`)).toEqual([]);
    expect(await walk(`/admin/orders?q=0${'f'.repeat(35)}`)).toEqual([]);
  });

  it.each(['q=', 'q=%00', `q=${'a'.repeat(255)}`])('refuse to look for %s', async (query) => {
    expectProblem(await get(`/admin/orders?${query}`), 400, 'validation_failed');
  });
});

describe('the users', () => {
  let ids: Record<'cleo' | 'bob' | 'anna' | 'one' | 'other', number>;

  beforeAll(async () => {
    // In the other order by name.
    const given = async (email: string, name: string) => (await givenCustomer(app, { email, name })).id;
    ids = {
      cleo: await given('sorted-a@list.example', 'Sorted Cleo'),
      bob: await given('sorted-b@list.example', 'Sorted Bob'),
      anna: await given('sorted-c@list.example', 'Sorted Anna'),
      one: (await givenGuest(app)).id,
      other: (await givenGuest(app)).id,
    };
  });

  it('are walked by e-mail or by name, and guests come last', async () => {
    const { cleo, bob, anna, one, other } = ids;
    const ours = (all: number[]) => all.filter((id) => Object.values(ids).includes(id));
    expect(ours(await walk('/admin/users?sort=email'))).toEqual([cleo, bob, anna, one, other]);
    expect(ours(await walk('/admin/users?sort=name'))).toEqual([anna, bob, cleo, one, other]);
    expect(ours(await walk('/admin/users?'))).toEqual([other, one, anna, bob, cleo]);
    expect((await walk('/admin/users?sort=email')).slice(-2)).toEqual([one, other]);
  });

  it('are found by a part of the name as well, in any sort', async () => {
    const { cleo, bob, anna } = ids;
    expect(await walk('/admin/users?q=sorted%20&sort=name')).toEqual([anna, bob, cleo]);
    expect(await walk('/admin/users?q=SORTED-&sort=email&role=customer')).toEqual([cleo, bob, anna]);
    expect((await get('/admin/users?q=sorted&count=true')).body.total).toBe(3);
  });

  it('refuse the cursor of another sort', async () => {
    const cursor = await nextOf('/admin/users?sort=name&limit=1');
    expectProblem(await get(`/admin/users?sort=email&cursor=${cursor}`), 400, 'validation_failed');
  });
});

describe('the discounts', () => {
  beforeAll(async () => {
    for (const code of ['MIKE', 'ALPHA', 'ZULU'])
      await call(app, admin, 'POST', '/discounts', { body: { code, kind: 'percentage', value: 10 } });
  });

  it('are walked newest first, or by their code', async () => {
    expect(await walk('/discounts?', 'code')).toEqual(['ZULU', 'ALPHA', 'MIKE']);
    expect(await walk('/discounts?sort=code', 'code')).toEqual(['ALPHA', 'MIKE', 'ZULU']);
    const cursor = await nextOf('/discounts?sort=code&limit=1');
    expectProblem(await get(`/discounts?cursor=${cursor}`), 400, 'validation_failed');
  });
});

describe('the ledger', () => {
  it('is walked newest first, or oldest first', async () => {
    const product_id = await givenProduct(database);
    for (const quantity of [1, 2, 3])
      await call(app, admin, 'POST', '/inventory/movements', { body: { product_id, type: 'in', quantity } });
    const path = `/inventory/movements?product_id=${product_id}`;
    expect(await walk(path, 'delta')).toEqual([3, 2, 1]);
    expect(await walk(`${path}&sort=oldest`, 'delta')).toEqual([1, 2, 3]);
    const cursor = await nextOf(`${path}&sort=oldest&limit=1`);
    expectProblem(await get(`${path}&cursor=${cursor}`), 400, 'validation_failed');
  });
});

describe('products that run low', () => {
  it('are walked by id, or with the least stock first', async () => {
    const given = async (stock: number) => {
      const id = await givenProduct(database, { stock });
      await database.sql('UPDATE products SET low_stock_threshold = 10 WHERE id = $1', [id]);
      return id;
    };
    const [five, none, two] = [await given(5), await given(0), await given(2)];
    await given(11);
    expect(await walk('/inventory/low-stock?', 'product_id')).toEqual([five, none, two]);
    expect(await walk('/inventory/low-stock?sort=stock', 'product_id')).toEqual([none, two, five]);
    const cursor = await nextOf('/inventory/low-stock?sort=stock&limit=1');
    expectProblem(await get(`/inventory/low-stock?cursor=${cursor}`), 400, 'validation_failed');
  });
});

describe('holds', () => {
  const reserve = async (ttl_seconds: number): Promise<any> => {
    const body = { order_id: `pos-${randomUUID()}`, items: [{ product_id: 3, quantity: 1 }], ttl_seconds };
    return (await call(app, admin, 'POST', '/inventory/reservations', { body })).body;
  };

  it('that are active are walked by their end, also when many have the same', async () => {
    const holds = [await reserve(300_000), await reserve(200_000), await reserve(100_000)];
    const released = await reserve(50_000);
    await call(app, admin, 'POST', `/inventory/reservations/${released.id}/release`, {
      body: { reason: 'x' },
    });
    // A time that no millisecond says exactly, and two that are one.
    await database.sql(
      `UPDATE reservations SET expires_at = now() + interval '1 day' + interval '1 microsecond' WHERE id = ANY($1)`,
      [[holds[0].id, holds[1].id]],
    );
    const ended = await walk('/inventory/reservations?status=active&sort=expires');
    const ours = ended.filter((id) => holds.some((hold) => hold.id === id));
    expect(ours).toEqual([holds[0].id, holds[1].id, holds[2].id]);
    expect(ended).not.toContain(released.id);
    expect(new Set(ended).size).toBe(ended.length);
    const { body } = await get('/inventory/reservations?status=active&sort=expires&count=true&limit=1');
    expect(body.total).toBe(ended.length);
    const { order_id, id } = holds[1];
    expect(await walk(`/inventory/reservations?status=active&sort=expires&order_id=${order_id}`)).toEqual([
      id,
    ]);
  });

  it.each(['', '&status=expired'])('that have ended are not: sort=expires%s', async (query) => {
    expectProblem(
      await get(`/inventory/reservations?sort=expires${query}`),
      400,
      'validation_failed',
      'sort can be expires only with status=active',
    );
  });
});

describe('dead letters', () => {
  /** The ids of three letters, oldest first. */
  async function givenLetters(): Promise<string[]> {
    clerk.brokenAt = true;
    for (const n of [1, 2, 3]) await tell(app, paid(n));
    const ids = await eventually(
      async () => {
        const { body } = await get('/admin/dead-letters');
        return body.dead_letters.length === 3 && body.dead_letters.map(({ id }: any) => id);
      },
      { what: 'three dead letters' },
    );
    clerk.brokenAt = null;
    return ids.toReversed();
  }

  it('are walked newest or oldest first, and shown with what the event says', async () => {
    const [oldest, middle, newest] = await givenLetters();
    expect(await walk('/admin/dead-letters?')).toEqual([newest, middle, oldest]);
    expect(await walk('/admin/dead-letters?sort=oldest')).toEqual([oldest, middle, newest]);
    const cursor = await nextOf('/admin/dead-letters?sort=oldest&limit=1');
    expectProblem(await get(`/admin/dead-letters?cursor=${cursor}`), 400, 'validation_failed');

    const [listed] = (await get('/admin/dead-letters?sort=oldest')).body.dead_letters;
    const { status, body } = await get(`/admin/dead-letters/${oldest}`);
    expect(status).toBe(200);
    expect(body).toEqual({ ...listed, data: { n: expect.any(Number) }, resolution: null, resolved_at: null });
    const event = await get(`/admin/events/${body.event_id}`);
    expect(event.body).toMatchObject({ id: body.event_id, type: 'order.paid', data: body.data });

    await call(app, admin, 'POST', `/admin/dead-letters/${oldest}/discard`);
    expect((await get(`/admin/dead-letters/${oldest}`)).body).toMatchObject({
      resolution: 'discarded',
      resolved_at: expect.stringMatching(/Z$/),
    });
  });

  it.each(['/admin/dead-letters', '/admin/events'])(
    '%s/:id knows only its own, and is for admins',
    async (path) => {
      expectProblem(await get(`${path}/${randomUUID()}`), 404, 'not_found');
      expectProblem(await get(`${path}/7`), 400, 'validation_failed');
      expectProblem(
        await call(app, await givenCustomer(app), 'GET', `${path}/${NOBODYS_ID}`),
        403,
        'forbidden',
      );
    },
  );
});

describe('the deliveries to an endpoint', () => {
  it('are narrowed by what has become of them', async () => {
    const body = { url: 'http://127.0.0.1:9/hooks', events: ['order.delivered'] };
    const { id } = (await call(app, admin, 'POST', '/admin/webhook-endpoints', { body })).body;
    await database.sql(
      `INSERT INTO webhook_deliveries (id, endpoint_id, event_id, type, body, status, delivered_at)
       SELECT gen_random_uuid(), $1, gen_random_uuid(), 'order.delivered', '{}', status,
              CASE status WHEN 'delivered' THEN now() END
       FROM unnest(ARRAY['delivered', 'failed', 'failed', 'delivered', 'failed']) AS s(status)`,
      [id],
    );
    const path = `/admin/webhook-endpoints/${id}/deliveries`;
    expect(await walk(`${path}?status=failed`, 'status')).toEqual(['failed', 'failed', 'failed']);
    expect((await get(`${path}?status=delivered&count=true&limit=1`)).body.total).toBe(2);
    expect(await walk(`${path}?status=pending`)).toEqual([]);
    expect(await walk(`${path}?`)).toHaveLength(5);
    expectProblem(await get(`${path}?status=lost`), 400, 'validation_failed');
  });
});

describe('products that are not shown to everybody', () => {
  it('are listed for an admin by themselves', async () => {
    const hidden = await givenProduct(database, { name: 'Hidden lamp', active: false });
    const shown = await givenProduct(database, { name: 'Shown lamp' });
    const list = (query: string) => walk(`/products?${query}&sort=newest`);
    expect(await list('active=false')).toEqual([hidden]);
    expect(await list('active=true&q=lamp')).toContain(shown);
    expect(await list('active=true')).not.toContain(hidden);
    expect(await list('active=false&q=hidden')).toEqual([hidden]);
    expect((await get('/products?active=false&count=true')).body.total).toBe(1);
    expectProblem(await get('/products?active=maybe'), 400, 'validation_failed');
  });

  it('cannot be asked for by anybody else: to them there is no such filter', async () => {
    for (const user of [null, await givenCustomer(app)])
      for (const active of ['true', 'false'])
        expectProblem(
          await call(app, user, 'GET', `/products?active=${active}`),
          400,
          'validation_failed',
          'active is not a known member',
        );
  });
});
