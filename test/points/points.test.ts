import fc from 'fast-check';
import { PointsService } from '../../src/points/points.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenGuest, givenPoints, pointsOf } from '../support/given-benefits.js';
import {
  expectProblem,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';

let database: TestDatabase;
let app: TestApp;
let admin: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { POINTS_PER_UNIT: '0.7' });
  admin = await givenAdminShopper(app, database);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

/** Pays an order of this price by hand. */
async function pay(shopper: Shopper, price: number): Promise<string> {
  const product_id = await givenProduct(database, { price });
  const { id } = await shopper.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
  const { status } = await admin.send('POST', `/admin/orders/${id}/confirm-payment`, { body: {} });
  expect(status).toBe(200);
  return id;
}

describe('points', () => {
  it('are earned by paying: whole ones of what the rate gives', async () => {
    const ada = await givenShopper(app);
    await pay(ada, 9.99);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 6, booked: 6 });
    // Exactly seven: a rate of 0.7 in doubles would give a little less.
    await pay(ada, 10);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 13, booked: 13 });
    await pay(ada, 1.42);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 13, booked: 13 });
  });

  it('are not earned by placing, nor twice by accepting the money twice', async () => {
    const ada = await givenShopper(app);
    const id = await pay(ada, 100);
    expect((await admin.send('POST', `/admin/orders/${id}/confirm-payment`, { body: {} })).status).toBe(200);
    const product_id = await givenProduct(database, { price: 100 });
    await ada.order([{ product_id, quantity: 1 }]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 70, booked: 70 });
  });

  it('are not earned by a guest', async () => {
    const guest = await givenGuest(app, database);
    await pay(guest, 100);
    expect(await pointsOf(database, guest.id)).toEqual({ balance: 0, booked: 0 });
    expect(await database.sql('SELECT FROM points_accounts WHERE user_id = $1', [guest.id])).toEqual([]);
  });

  it('stand in what a user is told of themselves', async () => {
    const ada = await givenShopper(app);
    expect((await ada.send('GET', '/auth/me')).body.points).toBe(0);
    await pay(ada, 100);
    expect((await ada.send('GET', '/auth/me')).body.points).toBe(70);
    const credentials = { email: ada.user.user.email, password: 'correct horse battery' };
    const session = await ada.send('POST', '/auth/login', { body: credentials });
    expect(session.body.user.points).toBe(70);
    const { refresh_token } = session.body;
    expect((await ada.send('POST', '/auth/refresh', { body: { refresh_token } })).body.user.points).toBe(70);
  });
});

describe('GET /points', () => {
  it('shows the balance and what it came from, newest first, a page at a time', async () => {
    const ada = await givenShopper(app);
    const ids = [];
    for (const price of [10, 20, 30]) ids.unshift(await pay(ada, price));
    const { body } = await ada.send('GET', '/points?limit=2&count=true');
    expect(body).toEqual({
      balance: 42,
      owed: 0,
      entries: [entry(ids[0], 21), entry(ids[1], 14)],
      next_cursor: expect.any(String),
      total: 3,
    });
    const next = await ada.send('GET', `/points?limit=2&cursor=${body.next_cursor}`);
    expect(next.body).toEqual({ balance: 42, owed: 0, entries: [entry(ids[2], 7)], next_cursor: null });
  });

  const entry = (order_id: string | undefined, delta: number) => ({
    id: expect.any(Number),
    delta,
    kind: 'earned',
    order_id,
    reason: null,
    created_at: expect.stringMatching(/^\d{4}-.*Z$/),
  });

  it('shows nobody the points of another', async () => {
    const [ada, eve] = [await givenShopper(app), await givenShopper(app)];
    await givenPoints(database, admin, ada, 100);
    const { body } = await eve.send('GET', '/points');
    expect(body).toEqual({ balance: 0, owed: 0, entries: [], next_cursor: null });
  });

  it('refuses what is no page', async () => {
    const ada = await givenShopper(app);
    expectProblem(await ada.send('GET', '/points?limit=101'), 400, 'validation_failed');
    expectProblem(await ada.send('GET', '/points?cursor=x'), 400, 'validation_failed');
    expect((await fetch(`${app.url}/api/v1/points`)).status).toBe(401);
  });
});

describe('what a total earns', () => {
  it('is the whole part of the exact product, whatever the total', () => {
    const points = app.app.get(PointsService);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (total) => {
        expect(points.earnedBy(total)).toBe(Number((BigInt(total) * 7n) / 1_000n));
      }),
    );
  });
});

describe('the tables', () => {
  it.each([
    [
      'a balance below 0',
      'points_accounts_balance_check',
      'UPDATE points_accounts SET balance = -1 WHERE user_id = $1',
    ],
    [
      'an order that earns twice',
      'points_entries_once',
      `INSERT INTO points_entries (user_id, delta, kind, order_id)
       SELECT user_id, 5, 'earned', order_id FROM points_entries WHERE user_id = $1`,
    ],
    [
      'a second round of earning',
      'points_entries_check1',
      `INSERT INTO points_entries (user_id, delta, kind, order_id, round)
       SELECT user_id, 5, 'earned', order_id, 2 FROM points_entries WHERE user_id = $1`,
    ],
    [
      'points that are redeemed and grow',
      'points_entries_check',
      `INSERT INTO points_entries (user_id, delta, kind, order_id)
       SELECT user_id, 5, 'redeemed', order_id FROM points_entries WHERE user_id = $1`,
    ],
  ])('hold no %s', async (_, constraint, text) => {
    const ada = await givenShopper(app);
    await pay(ada, 100);
    await expect(database.sql(text, [ada.id])).rejects.toMatchObject({ constraint });
  });
});
