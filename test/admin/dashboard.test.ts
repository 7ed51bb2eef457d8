import { AuditService } from '../../src/audit/audit.service.js';
import { BY_HAND } from '../inventory/holds.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin, givenCustomer } from '../support/given.js';
import {
  call,
  expectProblem,
  type GivenSandbox,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
  Shopper,
} from '../support/given-shop.js';

const DAY_MS = 86_400_000;
const EMPTY = { orders: 0, captured: 0, refunded: 0, revenue: 0 };
// The audit by itself would be there sooner or later than the test expects it.
const SETTINGS = { ...BY_HAND, AUDIT_SECONDS: '3600' };

let sandbox: GivenSandbox;
let database: TestDatabase;
let app: TestApp;
let admin: Shopper;

beforeAll(async () => {
  sandbox = await givenSandbox();
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { ...sandbox.settings, ...SETTINGS });
  admin = new Shopper(app, await givenAdmin(app, database));
});
afterEach(async () => {
  await app.close();
  await database.drop();
});

async function dashboard(query = ''): Promise<any> {
  const { status, body } = await admin.send('GET', `/admin/dashboard${query}`);
  expect(status).toBe(200);
  return body;
}

/** The date, in UTC, so many days ago. */
const dateOf = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString().slice(0, 10);

/** An order of two lamps at 10.00 that is paid. */
async function givenSale(product_id: number): Promise<string> {
  const shopper = await givenShopper(app);
  const { id } = await shopper.order([{ product_id, quantity: 2 }]);
  expect((await shopper.pay(id)).body.status).toBe('succeeded');
  return id;
}

describe('the sales of a dashboard', () => {
  it('have a row for each day, up to today, and zeros for a day without any', async () => {
    const body = await dashboard('?days=3');
    expect(body.currency).toBe('USD');
    expect(body.days).toEqual([2, 1, 0].map((daysAgo) => ({ date: dateOf(daysAgo), ...EMPTY })));
    expect(body.total).toEqual(EMPTY);
    expect((await dashboard()).days).toHaveLength(30);
  });

  it('count orders on their day, and money on the day on which it moved', async () => {
    const lamp = await givenProduct(database, { price: 10.05 });
    const [early, late] = [await givenSale(lamp), await givenSale(lamp)];
    await (await givenShopper(app)).order([{ product_id: lamp, quantity: 1 }]);
    await admin.send('POST', `/admin/orders/${early}/refund`, { body: { amount: 5.1, reason: 'a scratch' } });
    await admin.send('POST', `/admin/orders/${late}/cancel`);
    const ago = (days: number) => `now() - interval '${days} days'`;
    await database.sql(`UPDATE orders SET created_at = ${ago(2)} WHERE id = $1`, [early]);
    await database.sql(`UPDATE payments SET settled_at = ${ago(1)} WHERE order_id = $1`, [early]);

    const { days, total, orders_by_status } = await dashboard('?days=3');
    expect(days).toEqual([
      { date: dateOf(2), ...EMPTY, orders: 1 },
      { date: dateOf(1), orders: 0, captured: 20.1, refunded: 0, revenue: 20.1 },
      { date: dateOf(0), orders: 2, captured: 20.1, refunded: 25.2, revenue: -5.1 },
    ]);
    expect(total).toEqual({ orders: 3, captured: 40.2, refunded: 25.2, revenue: 15 });
    expect(orders_by_status).toEqual({
      pending: 1,
      paid: 1,
      shipped: 0,
      delivered: 0,
      failed: 0,
      expired: 0,
      cancelled: 1,
    });
  });

  it('begin at midnight, UTC, and end with today', async () => {
    const { id } = await (await givenShopper(app)).order([{ product_id: 1, quantity: 1 }]);
    const at = (sql: string) => database.sql(`UPDATE orders SET created_at = ${sql} WHERE id = $1`, [id]);
    const midnight = `date_trunc('day', now(), 'UTC')`;
    const counted = async () => (await dashboard('?days=2')).days.map(({ orders }: any) => orders);
    await at(midnight);
    expect(await counted()).toEqual([0, 1]);
    await at(`${midnight} - interval '1 microsecond'`);
    expect(await counted()).toEqual([1, 0]);
    await at(`${midnight} - interval '1 day'`);
    expect(await counted()).toEqual([1, 0]);
    await at(`${midnight} - interval '1 day 1 microsecond'`);
    expect(await counted()).toEqual([0, 0]);
    expect((await dashboard('?days=2')).orders_by_status.pending).toBe(0);
  });

  it('leave out what is not captured, or not given back', async () => {
    const shopper = await givenShopper(app);
    const { id } = await shopper.order([{ product_id: 1, quantity: 1 }]);
    await shopper.pay(id, { payment_token: 'tok_declined' });
    expect((await dashboard('?days=1')).total).toEqual({ ...EMPTY, orders: 1 });
  });
});

describe('the rest of a dashboard', () => {
  it('says how stock, holds, events, payments and the audit stand', async () => {
    const { id } = await (await givenShopper(app)).order([{ product_id: 1, quantity: 3 }]);
    await (await givenShopper(app)).order([{ product_id: 2, quantity: 1 }]);
    await givenHoldIsOver(database, id);
    await database.sql('UPDATE products SET low_stock_threshold = 150 WHERE id = 4');
    await givenProduct(database, { stock: 0 });
    const body = await dashboard('?days=1');
    expect(body.stock).toEqual((await admin.send('GET', '/inventory/summary')).body);
    expect(body.stock).toMatchObject({ products: 6, out_of_stock: 1, low_stock: 1 });
    expect(body.reservations).toEqual({ active: 2, overdue: 1 });
    expect(body.outbox).toEqual({ backlog: expect.any(Number), lag_seconds: expect.any(Number) });
    expect(body.dead_letters).toBe(0);
    expect(body.payments).toEqual({ unknown: 0, oldest_unknown_seconds: 0 });
  });

  it('sees what is in trouble', async () => {
    const sale = await givenSale(1);
    await database.sql(
      `UPDATE payments SET status = 'unknown', settled_at = NULL, created_at = now() - interval '1 minute',
         next_check_at = now() + interval '1 hour' WHERE order_id = $1`,
      [sale],
    );
    await database.sql(
      `INSERT INTO dead_letters (id, job_id, event_id, consumer, error, attempts)
       SELECT gen_random_uuid(), gen_random_uuid(), id, 'webhooks', 'no', 8 FROM events LIMIT 1`,
    );
    const body = await dashboard('?days=1');
    expect(body.dead_letters).toBe(1);
    expect(body.payments.unknown).toBe(1);
    expect(body.payments.oldest_unknown_seconds).toBeGreaterThanOrEqual(60);
  });

  it('says what the last audit has found, and nothing before the first', async () => {
    const audits = app.app.get(AuditService);
    const latest = audits.latest.bind(audits);
    audits.latest = () => null;
    expect((await dashboard('?days=1')).audit).toBeNull();
    audits.latest = latest;
    const { checked_at } = await audits.audit();
    expect((await dashboard('?days=1')).audit).toEqual({
      consistent: true,
      checked_at: checked_at.toISOString(),
    });
    await database.sql('UPDATE products SET stock = stock + 1 WHERE id = 1');
    await audits.audit();
    expect((await dashboard('?days=1')).audit.consistent).toBe(false);
  });

  it('is for admins, is kept nowhere, and takes so many days', async () => {
    const path = '/admin/dashboard';
    expectProblem(await call(app, await givenCustomer(app), 'GET', path), 403, 'forbidden');
    expectProblem(await call(app, null, 'GET', path), 401, 'unauthenticated');
    const { headers } = await admin.send('GET', `${path}?days=366`);
    expect(headers['cache-control']).toBe('no-store');
    for (const days of ['0', '367', '1.5', '-1', 'all', ''])
      expectProblem(
        await admin.send('GET', `${path}?days=${days}`),
        400,
        'validation_failed',
        'days must be between 1 and 366',
      );
    expectProblem(await admin.send('GET', `${path}?from=2026-11-01`), 400, 'validation_failed');
  });
});
