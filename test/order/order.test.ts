import { givenHeldProducts, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  type Answer,
  call,
  expectProblem,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  movementsOf,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const NOBODYS_ORDER = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const ADDRESS = {
  name: 'Ada Lovelace',
  lines: ['12 St James Square', 'first floor'],
  city: 'London',
  postal_code: 'SW1Y 4JH',
  country: 'GB',
  phone: '+44 20 7946 0000',
};

let database: TestDatabase;
let app: TestApp;
let ada: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  ada = await givenShopper(app);
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await app.close();
  await database.drop();
});

const order = (body: unknown, key?: string): Promise<Answer> => ada.send('POST', '/orders', { body, key });

describe('an order that is placed', () => {
  it('is answered whole, and reads the same afterwards', async () => {
    const product_id = await givenProduct(database, {
      price: 29.99,
      stock: 5,
      name: 'Mouse',
      sku: 'MOUSE-9',
    });
    const answer = await ada.place([{ product_id, quantity: 3 }], {
      note: 'ring twice',
      shipping_address: ADDRESS,
    });
    expect(answer.status).toBe(201);
    const { id, reservation, created_at } = answer.body;
    expect(answer.body).toEqual({
      id: expect.stringMatching(UUID),
      user_id: ada.id,
      status: 'pending',
      items: [
        { product_id, sku: 'MOUSE-9', product_name: 'Mouse', quantity: 3, price: 29.99, subtotal: 89.97 },
      ],
      items_price: 89.97,
      discount_code: null,
      discount_price: 0,
      redeemed_points: 0,
      points_discount_price: 0,
      shipping_price: 0,
      total_price: 89.97,
      currency: 'USD',
      payment_method: 'credit_card',
      payment_status: 'unpaid',
      shipping_address: ADDRESS,
      note: 'ring twice',
      tracking_number: null,
      reservation: {
        id: expect.stringMatching(UUID),
        status: 'active',
        expires_at: new Date(Date.parse(created_at) + 1_800_000).toISOString(),
      },
      history: [{ status: 'pending', reason: null, at: created_at }],
      created_at: expect.stringMatching(TIME),
      updated_at: created_at,
    });
    expect(reservation.id).not.toBe(id);
    expect((await ada.get(id)).body).toEqual(answer.body);
    expect((await ada.list('?limit=1')).body.orders).toEqual([answer.body]);
  });

  it('takes its goods out of the stock, with one row in the ledger for each line', async () => {
    const [lamp, desk] = [await givenProduct(database), await givenProduct(database)];
    const { id } = await ada.order([
      { product_id: lamp, quantity: 2 },
      { product_id: desk, quantity: 1 },
    ]);
    expect([await stockOf(database, lamp), await stockOf(database, desk)]).toEqual([98, 99]);
    expect(await movementsOf(database, lamp)).toEqual([
      { kind: 'taken', delta: -2, stock_after: 98, order_ref: id },
    ]);
  });

  it('keeps its lines in the order in which they were named, and sums lines that name one product twice', async () => {
    const [lamp, desk] = [await givenProduct(database), await givenProduct(database, { price: 0.1 })];
    const { items, total_price } = await ada.order([
      { product_id: desk, quantity: 1 },
      { product_id: lamp, quantity: 1 },
      { product_id: desk, quantity: 2 },
    ]);
    expect(items).toMatchObject([
      { product_id: desk, quantity: 3, subtotal: 0.3 },
      { product_id: lamp, quantity: 1, subtotal: 10 },
    ]);
    expect(total_price).toBe(10.3);
  });

  it('keeps the name and the price that its products had then', async () => {
    const product_id = await givenProduct(database, { price: 10, name: 'Lamp' });
    const { id } = await ada.order([{ product_id, quantity: 1 }]);
    await database.sql(`UPDATE products SET price_minor = 9900, name = 'Lamp, new' WHERE id = $1`, [
      product_id,
    ]);
    expect((await ada.get(id)).body.items).toMatchObject([{ product_name: 'Lamp', price: 10 }]);
  });

  it('holds its goods for as long as its payment method says', async () => {
    const product_id = await givenProduct(database);
    const seconds: Record<string, number> = {};
    for (const payment_method of ['cod', 'bank_transfer', 'installment', 'credit_card', 'e_wallet']) {
      const { created_at, reservation, ...placed } = await ada.order([{ product_id, quantity: 1 }], {
        payment_method,
      });
      expect(placed).toMatchObject({ payment_method, payment_status: 'unpaid' });
      seconds[payment_method] = (Date.parse(reservation.expires_at) - Date.parse(created_at)) / 1_000;
    }
    expect(seconds).toEqual({
      cod: 86_400,
      bank_transfer: 14_400,
      installment: 7_200,
      credit_card: 1_800,
      e_wallet: 900,
    });
  });

  it('takes members that are null as if they were not there', async () => {
    const product_id = await givenProduct(database);
    const nothing = {
      payment_method: null,
      discount_code: null,
      redeem_points: null,
      expected_total: null,
      shipping_address: null,
      note: null,
    };
    const answer = await ada.place([{ product_id, quantity: 1 }], nothing);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      payment_method: 'credit_card',
      discount_code: null,
      redeemed_points: 0,
      shipping_address: null,
      note: null,
    });
  });

  it('takes the white space around an address away, and a country in small letters', async () => {
    const product_id = await givenProduct(database);
    const typed = {
      ...ADDRESS,
      name: ' Ada Lovelace ',
      lines: ['12 St James Square ', ' first floor'],
      country: 'gb',
    };
    const { body } = await ada.place([{ product_id, quantity: 1 }], { shipping_address: typed });
    expect(body.shipping_address).toEqual(ADDRESS);
  });

  it('is told as an event, in the transaction of the order', async () => {
    const product_id = await givenProduct(database);
    const { id } = await ada.order([{ product_id, quantity: 2 }]);
    const events = await database.sql(`SELECT type, data FROM events WHERE data->>'order_id' = $1`, [id]);
    expect(events).toEqual([
      {
        type: 'order.placed',
        data: {
          order_id: id,
          user_id: ada.id,
          total_price: 20,
          currency: 'USD',
          items: [{ product_id, quantity: 2 }],
        },
      },
    ]);
  });
});

describe('the total that a client expects', () => {
  it('passes when it is right', async () => {
    const product_id = await givenProduct(database, { price: 1299.99 });
    const answer = await ada.place([{ product_id, quantity: 2 }], { expected_total: 2599.98 });
    expect(answer.status).toBe(201);
    expect(answer.body.total_price).toBe(2599.98);
  });

  it('is 409 price_changed with both totals when it is not, and no stock is taken', async () => {
    const product_id = await givenProduct(database, { price: 12 });
    const answer = await ada.place([{ product_id, quantity: 2 }], { expected_total: 20 });
    expectProblem(answer, 409, 'price_changed', 'the total is 24, not 20');
    expect(answer.body).toMatchObject({ expected_total: 20, actual_total: 24 });
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(await stockOf(database, product_id)).toBe(100);
    expect(await movementsOf(database, product_id)).toEqual([]);
  });

  it('is 409 price_changed when nothing is expected to be paid', async () => {
    const product_id = await givenProduct(database);
    const answer = await ada.place([{ product_id, quantity: 1 }], { expected_total: 0 });
    expectProblem(answer, 409, 'price_changed');
  });

  it.each([9.999, 0.001, 10.000000001])(
    'is refused when it is finer than a cent: %p',
    async (expected_total) => {
      const product_id = await givenProduct(database);
      const answer = await ada.place([{ product_id, quantity: 1 }], { expected_total });
      expectProblem(answer, 400, 'validation_failed', 'expected_total must be exact to 2 decimals');
    },
  );
});

describe('an order that cannot be had', () => {
  it('names every line that is short, and changes nothing for any', async () => {
    const [lamp, desk, chair] = [
      await givenProduct(database, { stock: 1 }),
      await givenProduct(database, { stock: 50 }),
      await givenProduct(database, { stock: 0 }),
    ];
    const answer = await ada.place([
      { product_id: lamp, quantity: 2 },
      { product_id: desk, quantity: 50 },
      { product_id: chair, quantity: 1 },
    ]);
    expectProblem(
      answer,
      409,
      'insufficient_stock',
      `insufficient stock for product ${lamp}, product ${chair}`,
    );
    expect(answer.body.items).toEqual([
      { product_id: lamp, requested: 2, available: 1 },
      { product_id: chair, requested: 1, available: 0 },
    ]);
    expect(answer.headers['retry-after']).toBeUndefined();
    expect(await Promise.all([lamp, desk, chair].map((id) => stockOf(database, id)))).toEqual([1, 50, 0]);
    const rows = await database.sql('SELECT FROM stock_movements WHERE product_id = ANY($1::int[])', [
      [lamp, desk, chair],
    ]);
    expect(rows).toEqual([]);
  });

  it('counts what lines for one product want together', async () => {
    const product_id = await givenProduct(database, { stock: 5 });
    const answer = await ada.place([
      { product_id, quantity: 3 },
      { product_id, quantity: 3 },
    ]);
    expect(answer.body.items).toEqual([{ product_id, requested: 6, available: 5 }]);
  });

  it('is 404 when a product is unknown, and takes nothing of the others', async () => {
    const product_id = await givenProduct(database);
    const answer = await ada.place([
      { product_id, quantity: 1 },
      { product_id: 2_147_483_647, quantity: 1 },
    ]);
    expectProblem(answer, 404, 'not_found', 'product not found');
    expect(await stockOf(database, product_id)).toBe(100);
  });

  it('names the products that are no longer sold', async () => {
    const [lamp, desk] = [
      await givenProduct(database, { name: 'Old lamp', active: false }),
      await givenProduct(database, { name: 'Old desk' }),
    ];
    await database.sql('UPDATE products SET deleted_at = now() WHERE id = $1', [desk]);
    const one = await ada.place([{ product_id: lamp, quantity: 1 }]);
    expectProblem(one, 409, 'product_unavailable', 'Old lamp is no longer available');
    const both = await ada.place([
      { product_id: lamp, quantity: 1 },
      { product_id: desk, quantity: 1 },
    ]);
    expectProblem(both, 409, 'product_unavailable', 'Old lamp, Old desk are no longer available');
    expect(both.body.product_ids).toEqual([lamp, desk]);
  });

  it('may not name a product that is sold through its variants, but may name the variant', async () => {
    const parent = await givenProduct(database, { name: 'Shirt' });
    const variant = await givenProduct(database, { name: 'Shirt, blue' });
    await database.sql('UPDATE products SET parent_id = $1 WHERE id = $2', [parent, variant]);
    expectProblem(
      await ada.place([{ product_id: parent, quantity: 1 }]),
      409,
      'product_unavailable',
      'Shirt is no longer available',
    );
    expect((await ada.place([{ product_id: variant, quantity: 1 }])).status).toBe(201);
  });

  it('is 400 when its total would be more than money can be', async () => {
    const product_id = await givenProduct(database, { price: 1_000_000_000, stock: 2_147_483_647 });
    const items = Array.from({ length: 10 }, () => ({ product_id, quantity: 100_000 }));
    expectProblem(await ada.place(items), 400, 'validation_failed', 'the total is too large');
    expect(await stockOf(database, product_id)).toBe(2_147_483_647);
  });
});

describe('a product that somebody holds for too long', () => {
  it('makes its own buyers 503 with Retry-After, and nobody who buys anything else', async () => {
    const impatient = await bootApp(database, { DATABASE_LOCK_TIMEOUT_MS: '100' });
    const [lamp, desk] = [await givenProduct(database), await givenProduct(database)];
    const line = (product_id: number) => ({ product_id, quantity: 1 });
    const held = await givenHeldProducts(database, lamp);
    const place = (...items: { product_id: number; quantity: number }[]) => ada.at(impatient).place(items);
    const first = place(line(lamp));
    await untilWaiting(database);
    const [lamps, desks, both, unknown] = await Promise.all([
      place(line(lamp)),
      place(line(desk)),
      place(line(desk), line(lamp)),
      place(line(2_147_483_647)),
    ]);
    await held.release();
    for (const answer of [await first, lamps, both]) {
      expectProblem(answer, 503, 'overloaded');
      expect(answer.headers['retry-after']).toBe('1');
    }
    expect([desks.status, unknown.status]).toEqual([201, 404]);
    expect([await stockOf(database, lamp), await stockOf(database, desk)]).toEqual([100, 99]);
    expect((await place(line(lamp))).status).toBe(201);
    await impatient.close();
  });
});

const ITEM = { product_id: 1, quantity: 1 };
const withItem = (members: object) => ({ items: [{ ...ITEM, ...members }] });
const withAddress = (members: object) => ({ items: [ITEM], shipping_address: { ...ADDRESS, ...members } });
const QUANTITY = 'quantity must be between 1 and 100000';
const PRODUCT_ID = 'product_id must be a positive integer';
const TOTAL = 'expected_total must be an amount of money';
const POINTS = 'redeem_points must be a whole number of points, 0 or more';
const METHOD = 'payment_method must be one of credit_card, e_wallet, bank_transfer, installment, cod';

describe('a body that says what cannot be', () => {
  it.each<[string, string, unknown, string]>([
    ['no items', 'items', {}, 'items must be a list'],
    ['items null', 'items', { items: null }, 'items must be a list'],
    ['items an object', 'items', { items: ITEM }, 'items must be a list'],
    ['items a text', 'items', { items: '[]' }, 'items must be a list'],
    ['no lines', 'items', { items: [] }, 'items must not be empty'],
    [
      '101 lines',
      'items',
      { items: Array.from({ length: 101 }, () => ITEM) },
      'items must have at most 100 entries',
    ],
    ['a line that is null', 'items', { items: [null] }, 'each item must be an object'],
    ['a line that is a number', 'items', { items: [1] }, 'each item must be an object'],
    ['a line that is a list', 'items', { items: [[ITEM]] }, 'each item must be an object'],
    ['no quantity', 'items.0.quantity', { items: [{ product_id: 1 }] }, QUANTITY],
    ['quantity 0', 'items.0.quantity', withItem({ quantity: 0 }), QUANTITY],
    ['a quantity below 0', 'items.0.quantity', withItem({ quantity: -1 }), QUANTITY],
    ['half a piece', 'items.0.quantity', withItem({ quantity: 1.5 }), QUANTITY],
    ['a huge quantity', 'items.0.quantity', withItem({ quantity: 100_001 }), QUANTITY],
    ['a quantity beyond all integers', 'items.0.quantity', withItem({ quantity: 1e300 }), QUANTITY],
    ['a quantity in words', 'items.0.quantity', withItem({ quantity: '1' }), QUANTITY],
    ['a quantity that is true', 'items.0.quantity', withItem({ quantity: true }), QUANTITY],
    ['a quantity that is null', 'items.0.quantity', withItem({ quantity: null }), QUANTITY],
    ['a quantity that is a list', 'items.0.quantity', withItem({ quantity: [1] }), QUANTITY],
    ['no product', 'items.0.product_id', { items: [{ quantity: 1 }] }, PRODUCT_ID],
    ['product 0', 'items.0.product_id', withItem({ product_id: 0 }), PRODUCT_ID],
    ['a product in words', 'items.0.product_id', withItem({ product_id: '1' }), PRODUCT_ID],
    ['half a product', 'items.0.product_id', withItem({ product_id: 1.5 }), PRODUCT_ID],
    ['a product beyond all ids', 'items.0.product_id', withItem({ product_id: 2_147_483_648 }), PRODUCT_ID],
    ['a price of its own', 'items.0.price', withItem({ price: 0.01 }), 'items.0.price is not a known member'],
    ['a price', 'price', { items: [ITEM], price: 1 }, 'price is not a known member'],
    ['a total', 'total_price', { items: [ITEM], total_price: 1 }, 'total_price is not a known member'],
    ['a status', 'status', { items: [ITEM], status: 'paid' }, 'status is not a known member'],
    ['a user', 'user_id', { items: [ITEM], user_id: 1 }, 'user_id is not a known member'],
    ['a role', 'role', { items: [ITEM], role: 'admin' }, 'role is not a known member'],
    ['an id', 'id', { items: [ITEM], id: NOBODYS_ORDER }, 'id is not a known member'],
    ['an unknown method', 'payment_method', { items: [ITEM], payment_method: 'gold' }, METHOD],
    ['a method that is a list', 'payment_method', { items: [ITEM], payment_method: ['cod'] }, METHOD],
    ['a total in words', 'expected_total', { items: [ITEM], expected_total: '10' }, TOTAL],
    ['a total below 0', 'expected_total', { items: [ITEM], expected_total: -1 }, TOTAL],
    ['a total beyond all money', 'expected_total', { items: [ITEM], expected_total: 1e300 }, TOTAL],
    [
      'a note that is a number',
      'note',
      { items: [ITEM], note: 5 },
      'note must be between 0 and 1000 characters',
    ],
    [
      'a note with a NUL in it',
      'note',
      { items: [ITEM], note: 'a\u0000b' },
      'note must not have control characters',
    ],
    ['a note with half a character', 'note', { items: [ITEM], note: '\ud800' }, 'note must be valid Unicode'],
    [
      'a note of 1001 characters',
      'note',
      { items: [ITEM], note: 'x'.repeat(1_001) },
      'note must be between 0 and 1000 characters',
    ],
    [
      'an address that is a text',
      'shipping_address',
      { items: [ITEM], shipping_address: 'London' },
      'shipping_address must be an object',
    ],
    [
      'an address that is a list',
      'shipping_address',
      { items: [ITEM], shipping_address: [ADDRESS] },
      'shipping_address must be an object',
    ],
    [
      'an address without a name',
      'shipping_address.name',
      withAddress({ name: undefined }),
      'name must be between 1 and 200 characters',
    ],
    [
      'an address with a NUL',
      'shipping_address.city',
      withAddress({ city: 'Lon\u0000don' }),
      'city must not have control characters',
    ],
    [
      'an address without lines',
      'shipping_address.lines',
      withAddress({ lines: [] }),
      'lines must have between 1 and 3 entries',
    ],
    [
      'an address of four lines',
      'shipping_address.lines',
      withAddress({ lines: ['a', 'b', 'c', 'd'] }),
      'lines must have between 1 and 3 entries',
    ],
    [
      'an address line of nothing but white space',
      'shipping_address.lines',
      withAddress({ lines: ['12 St James Square', '  '] }),
      'each of lines must be between 1 and 200 characters',
    ],
    [
      'an address whose name is white space',
      'shipping_address.name',
      withAddress({ name: ' \t' }),
      'name must be between 1 and 200 characters',
    ],
    [
      'a country of three letters',
      'shipping_address.country',
      withAddress({ country: 'GBR' }),
      'country must be an ISO 3166-1 code of two letters',
    ],
    [
      'a telephone of three digits',
      'shipping_address.phone',
      withAddress({ phone: '+44 2' }),
      'phone must be a telephone number',
    ],
    [
      'a telephone without digits',
      'shipping_address.phone',
      withAddress({ phone: '() - ()' }),
      'phone must be a telephone number',
    ],
    [
      'a discount code that is a number',
      'discount_code',
      { items: [ITEM], discount_code: 15 },
      'discount_code must be between 1 and 100 characters',
    ],
    [
      'no discount code between quotes',
      'discount_code',
      { items: [ITEM], discount_code: ' ' },
      'discount_code must be between 1 and 100 characters',
    ],
    ['half a point', 'redeem_points', { items: [ITEM], redeem_points: 0.5 }, POINTS],
    ['fewer points than none', 'redeem_points', { items: [ITEM], redeem_points: -1 }, POINTS],
    ['points as a text', 'redeem_points', { items: [ITEM], redeem_points: '5' }, POINTS],
    ['more points than can be counted', 'redeem_points', { items: [ITEM], redeem_points: 2 ** 53 }, POINTS],
    [
      'an address line that is a number',
      'shipping_address.lines',
      withAddress({ lines: [5] }),
      'each of lines must be between 1 and 200 characters',
    ],
    [
      'a postal code of 21 characters',
      'shipping_address.postal_code',
      withAddress({ postal_code: 'x'.repeat(21) }),
      'postal_code must be between 1 and 20 characters',
    ],
    [
      'an unknown country',
      'shipping_address.country',
      withAddress({ country: 'XX' }),
      'country must be an ISO 3166-1 code of two letters',
    ],
    [
      'a telephone that is none',
      'shipping_address.phone',
      withAddress({ phone: '<script>' }),
      'phone must be a telephone number',
    ],
    [
      'an unknown member of the address',
      'shipping_address.planet',
      withAddress({ planet: 'Earth' }),
      'shipping_address.planet is not a known member',
    ],
  ])('%s: 400 names %s', async (_, field, body, text) => {
    const answer = await order(body);
    expectProblem(answer, 400, 'validation_failed', text);
    expect(answer.body.errors.map((fault: { field: string }) => fault.field)).toEqual([field]);
  });

  it('names every field that is wrong, once', async () => {
    const { body } = await order({ items: [{ product_id: 0, quantity: 0 }], note: 5 });
    expect(body.errors.map((fault: { field: string }) => fault.field).sort()).toEqual([
      'items.0.product_id',
      'items.0.quantity',
      'note',
    ]);
  });

  it.each([
    '{',
    '{"items":[}',
    '{"items":[{"product_id":1,"quantity":NaN}]}',
    '{"items":[{"product_id":1,"quantity":Infinity}]}',
    "{'items':[]}",
    'items=1',
    '\u0000',
  ])('%j is 400 malformed_json', async (text) => {
    expectProblem(await order(text), 400, 'malformed_json', 'the body is not valid JSON');
  });

  it.each(['[]', '"text"', '5', 'true', '[{"items":[]}]'])('%s is 400: no object', async (text) => {
    expectProblem(await order(text), 400, 'validation_failed', 'the body must be a JSON object');
    expectProblem(await order(text, 'a-key'), 400, 'validation_failed', 'the body must be a JSON object');
  });

  it('nested ever deeper is 400, with a key and without', async () => {
    const body = `{"items":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await order(body)).status).toBe(400);
    expect((await order(body, 'deep')).status).toBe(400);
  });

  it('with a quantity of 1e400, which is no number any more, is 400', async () => {
    const answer = await order('{"items":[{"product_id":1,"quantity":1e400}]}');
    expectProblem(answer, 400, 'validation_failed', QUANTITY);
  });
});

describe("somebody else's order", () => {
  let bobsOrder: string;

  beforeAll(async () => {
    const bob = await givenShopper(app);
    bobsOrder = (await bob.order([{ product_id: await givenProduct(database), quantity: 1 }])).id;
  });

  const ROUTES: [string, string][] = [
    ['GET', '/orders/:id'],
    ['POST', '/orders/:id/cancel'],
    ['POST', '/orders/:id/payments'],
    ['GET', '/orders/:id/payments'],
    ['GET', '/checkout/:id'],
  ];

  it.each(ROUTES)('is 404 on %s %s, as one that nobody has', async (method, path) => {
    for (const id of [bobsOrder, NOBODYS_ORDER]) {
      const wish = method === 'POST' ? { body: {} } : {};
      expectProblem(
        await ada.send(method, path.replace(':id', id), wish),
        404,
        'not_found',
        'order not found',
      );
    }
  });

  it.each(ROUTES)('is 404 on %s %s for an admin, too, whose own it is not', async (method, path) => {
    const admin = await givenAdminShopper(app, database);
    const answer = await admin.send(method, path.replace(':id', bobsOrder));
    expectProblem(answer, 404, 'not_found', 'order not found');
  });

  it.each(ROUTES)('is 401 on %s %s without a token', async (method, path) => {
    expectProblem(await call(app, null, method, path.replace(':id', bobsOrder)), 401, 'unauthenticated');
  });

  it.each(ROUTES)('is 400 on %s %s when the id is none', async (method, path) => {
    for (const id of ['1', 'x', `${NOBODYS_ORDER}0`, '01939b1e7c1a700080003f3f1a2b4c5d', "'%20OR%201=1"]) {
      const answer = await ada.send(method, path.replace(':id', id));
      expectProblem(answer, 400, 'validation_failed', 'id must be a UUID');
    }
  });

  it('stays as it is', async () => {
    const [row] = await database.sql('SELECT status, payment_status FROM orders WHERE id = $1', [bobsOrder]);
    expect(row).toEqual({ status: 'pending', payment_status: 'unpaid' });
  });
});

describe('the list of orders', () => {
  it('is empty for who has none', async () => {
    const bob = await givenShopper(app);
    expect((await bob.list()).body).toEqual({ orders: [], next_cursor: null });
    expect((await bob.list('?count=true')).body).toEqual({ orders: [], next_cursor: null, total: 0 });
  });

  it('walks through all of them by its cursor, newest first, each once', async () => {
    const bob = await givenShopper(app);
    const product_id = await givenProduct(database);
    const placed: string[] = [];
    for (let count = 0; count < 7; count++)
      placed.unshift((await bob.order([{ product_id, quantity: 1 }])).id);
    const walked: string[] = [];
    const pages: number[] = [];
    let cursor: string | null = null;
    do {
      const { body } = await bob.list(`?limit=3&count=true${cursor ? `&cursor=${cursor}` : ''}`);
      expect(body.total).toBe(7);
      walked.push(...body.orders.map(({ id }: { id: string }) => id));
      pages.push(body.orders.length);
      cursor = body.next_cursor;
    } while (cursor);
    expect(walked).toEqual(placed);
    expect(pages).toEqual([3, 3, 1]);
    expect((await bob.list('?limit=7')).body.next_cursor).toBeNull();
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'limit=1&limit=2',
    'limit=1e1',
  ])('%s is 400', async (query) => {
    const answer = await ada.list(`?${query}`);
    expectProblem(answer, 400, 'validation_failed', 'limit must be between 1 and 100');
  });

  const cursorOf = (...keyset: unknown[]) =>
    Buffer.from(JSON.stringify(['newest', ...keyset])).toString('base64url');

  it.each([
    'x',
    '%00',
    cursorOf(),
    cursorOf(5),
    cursorOf('-'.repeat(36)),
    cursorOf(`${NOBODYS_ORDER}'`),
    cursorOf(NOBODYS_ORDER, 1),
    Buffer.from('["name","a"]').toString('base64url'),
  ])('a cursor that is not ours is 400: %s', async (cursor) => {
    expectProblem(await ada.list(`?cursor=${cursor}`), 400, 'validation_failed', 'cursor is not one of ours');
  });

  it('refuses what it does not know', async () => {
    expectProblem(await ada.list('?status=paid'), 400, 'validation_failed', 'status is not a known member');
    expectProblem(await ada.list('?count=maybe'), 400, 'validation_failed', 'count must be true or false');
  });
});

describe("the admin's orders", () => {
  let admin: Shopper;
  let bob: Shopper;
  let lamp: number;
  let desk: number;
  let orders: any[];

  beforeAll(async () => {
    admin = await givenAdminShopper(app, database);
    bob = await givenShopper(app);
    [lamp, desk] = [await givenProduct(database), await givenProduct(database)];
    orders = [];
    for (const product_id of [lamp, lamp, desk]) orders.push(await bob.order([{ product_id, quantity: 1 }]));
    await bob.cancel(orders[0].id);
  });

  const listed = async (query: string): Promise<number[]> => {
    const { status, body } = await admin.send('GET', `/admin/orders?limit=100&${query}`);
    expect(status).toBe(200);
    return body.orders.map(({ id }: { id: string }) => orders.findIndex((each) => each.id === id));
  };

  it('are for admins only', async () => {
    expectProblem(await ada.send('GET', '/admin/orders'), 403, 'forbidden');
    expectProblem(await ada.send('GET', `/admin/orders/${orders[0].id}`), 403, 'forbidden');
    expectProblem(await call(app, null, 'GET', '/admin/orders'), 401, 'unauthenticated');
  });

  it('are found by user, product and status, newest first', async () => {
    expect(await listed(`user=${bob.id}`)).toEqual([2, 1, 0]);
    expect(await listed(`product=${lamp}`)).toEqual([1, 0]);
    expect(await listed(`user=${bob.id}&status=cancelled`)).toEqual([0]);
    expect(await listed(`user=${bob.id}&status=pending&product=${desk}`)).toEqual([2]);
    expect(await listed('user=2147483647')).toEqual([]);
  });

  it('are found by time: from is included, to is not', async () => {
    const [, middle, last] = orders.map(({ created_at }) => created_at);
    const user = `user=${bob.id}`;
    await database.sql('UPDATE orders SET created_at = $2 WHERE id = $1', [orders[1].id, middle]);
    expect(await listed(`${user}&from=${middle}`)).toEqual([2, 1]);
    expect(await listed(`${user}&to=${middle}`)).toEqual([0]);
    expect(await listed(`${user}&from=${middle}&to=${last}`)).toEqual([1]);
    expect(await listed(`${user}&from=2999-01-01`)).toEqual([]);
  });

  it('are counted and walked like any list', async () => {
    const first = await admin.send('GET', `/admin/orders?user=${bob.id}&limit=2&count=true`);
    expect(first.body).toMatchObject({ total: 3, orders: [{ id: orders[2].id }, { id: orders[1].id }] });
    const next = await admin.send('GET', `/admin/orders?user=${bob.id}&cursor=${first.body.next_cursor}`);
    expect(next.body).toMatchObject({ next_cursor: null, orders: [{ id: orders[0].id }] });
  });

  it("show anybody's order as its owner sees it", async () => {
    const answer = await admin.send('GET', `/admin/orders/${orders[1].id}`);
    expect(answer.body).toEqual((await bob.get(orders[1].id)).body);
    expectProblem(
      await admin.send('GET', `/admin/orders/${NOBODYS_ORDER}`),
      404,
      'not_found',
      'order not found',
    );
    expectProblem(await admin.send('GET', '/admin/orders/7'), 400, 'validation_failed', 'id must be a UUID');
  });

  it.each([
    'status=lost',
    'user=x',
    'user=0',
    'user=1.5',
    'user=2147483648',
    'product=-1',
    'product=1%20OR%201',
    'from=yesterday',
    'from=2026-W01',
    'to=2026-02-30',
    'to=2026-11',
    'to=1',
    'limit=0',
    'sort=name',
  ])('%s is 400', async (query) => {
    expectProblem(await admin.send('GET', `/admin/orders?${query}`), 400, 'validation_failed');
  });

  it.each(['/admin/orders', '/admin/actions', '/inventory/movements'])(
    '%s takes a day, or a time with its zone: without one nobody knows when that is',
    async (list) => {
      for (const time of ['2020-01-01T00:00:00', '2020-01-01T00:00', '2020-01-01 00:00:00']) {
        const answer = await admin.send('GET', `${list}?from=${encodeURIComponent(time)}`);
        const sentence = 'from must be an ISO 8601 date, or a time with its zone';
        expectProblem(answer, 400, 'validation_failed', sentence);
        expect(answer.body.errors).toEqual([{ field: 'from', message: sentence }]);
      }
      for (const time of [
        '2020-01-01',
        '1900-01-01',
        '2020-01-01T00:00:00Z',
        '2020-01-01T00:00:00.000Z',
        '2020-01-01T03:00:00+03:00',
        '2020-01-01T03:00:00+0300',
      ])
        expect((await admin.send('GET', `${list}?to=${encodeURIComponent(time)}`)).status).toBe(200);
    },
  );
});
