import request from 'supertest';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { clientOf } from '../../src/platform/database/statement.js';
import { credentials, SandboxFixture } from '../payment/given-sandbox.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { type GivenUser, givenAdmin, givenApiKey, givenCustomer } from '../support/given.js';
import { BENEFIT_DAMAGES } from './benefit-damages.js';
import { DAMAGES } from './damages.js';
import { givenBusyShop, type Orders, Shopper } from './shop.js';

const sandbox = new SandboxFixture();
let database: TestDatabase;
let app: TestApp;
let admin: GivenUser;
let orders: Orders;

beforeAll(async () => {
  await sandbox.prepare();
  const gateway = await sandbox.start();
  database = await cloneDatabase();
  app = await bootApp(database, {
    YOOKASSA_API_URL: gateway.url,
    YOOKASSA_SHOP_ID: credentials.shopId,
    YOOKASSA_SECRET_KEY: credentials.secretKey,
  });
  admin = await givenAdmin(app, database);
  orders = await givenBusyShop(app, admin, database);
});

afterAll(async () => {
  await app?.close();
  await database?.drop();
  await sandbox.cleanUp();
});

const audit = (headers: object = admin.headers) =>
  request(app.url)
    .get('/api/v1/inventory/audit')
    .set(headers as Record<string, string>);

class Undone extends Error {}

/** What the checks find after `damage`, which never really happens: its transaction is rolled back. */
async function foundAfter(damage: string[]) {
  let found: { name: string; violations: number; sample: Record<string, unknown>[] }[] = [];
  const undone = app.app.get(DatabaseService).transaction(async (tx) => {
    for (const text of damage) await clientOf(tx).query(text);
    const checks = await app.app.get(AuditRepository).checkIn(tx);
    found = checks.filter(({ violations }) => violations > 0);
    throw new Undone();
  });
  await expect(undone).rejects.toThrow(Undone);
  return found;
}

describe('a shop that has sold, failed, cancelled, been paid, paid back and taken back', () => {
  it('is consistent', async () => {
    const { status, body } = await audit();
    expect(status).toBe(200);
    expect(body.checks.filter(({ violations }: { violations: number }) => violations > 0)).toEqual([]);
    expect(body.consistent).toBe(true);
    expect(Date.parse(body.checked_at)).toBeLessThanOrEqual(Date.now() + 1_000);
    expect(body.checks.map(({ name }: { name: string }) => name)).toEqual([
      'stock_never_negative',
      'stock_equals_ledger',
      'ledger_is_a_chain',
      'orders_took_every_line',
      'orders_have_every_line',
      'ended_orders_gave_back_once',
      'live_orders_keep_their_goods',
      'nothing_returned_that_was_not_taken',
      'returns_are_in_stock_once',
      'ended_holds_gave_back',
      'holds_match_orders',
      'discounts_count_their_uses',
      'orders_have_their_discounts',
      'points_equal_ledger',
      'orders_keep_their_points',
      'points_are_earned_once',
      'orders_have_one_payment_at_most',
      'paid_orders_have_their_money',
      'no_money_without_goods',
      'refunds_add_up',
      'orders_know_their_refunds',
      'orders_are_told',
      'refunds_are_told',
      'stock_changes_are_told',
      'outbox_is_dispatched',
      'events_had_their_effect_once',
      'claims_name_their_orders',
      'claims_name_their_payments',
    ]);
  });

  it('stays so while it goes on selling', async () => {
    const shoppers = await Promise.all(Array.from({ length: 4 }, () => Shopper.arrive(app)));
    const selling = Promise.all(
      shoppers.map(async (shopper) => {
        for (let n = 0; n < 5; n++)
          await shopper.cancel(await shopper.order([{ product_id: 4, quantity: 1 }]));
      }),
    );
    const audits = [];
    for (let n = 0; n < 10; n++) audits.push((await audit()).body);
    await selling;
    expect(audits.filter(({ consistent }) => !consistent)).toEqual([]);
  });

  it('is told apart from one that is not by a report that is kept for the metric', async () => {
    const { body } = await audit();
    expect(JSON.parse(JSON.stringify(app.app.get(AuditService).latest()))).toEqual(body);
  });

  it('is audited by admins only', async () => {
    const customer = await givenCustomer(app);
    const key = await givenApiKey(app, 'inventory:read', 'inventory:write');
    expect((await audit(customer.headers)).status).toBe(403);
    expect((await audit(key.headers)).status).toBe(403);
    expect((await audit({})).status).toBe(401);
  });
});

describe('a broken promise', () => {
  it.each([...DAMAGES, ...BENEFIT_DAMAGES])('is seen: %s', async (_, name, damage, row) => {
    const found = await foundAfter(damage(orders));
    expect(found.map((check) => check.name)).toEqual([name]);
    expect(found[0]?.sample).toEqual(expect.arrayContaining([expect.objectContaining(row(orders))]));
  });

  it('shows ten of its rows and counts them all', async () => {
    const [found] = await foundAfter([
      `INSERT INTO events (id, type, data, created_at)
       SELECT uuidv7(), 'order.paid', jsonb_build_object('order_id', n), now() FROM generate_series(1, 12) n`,
    ]);
    expect(found).toMatchObject({ name: 'orders_are_told', violations: 12 });
    expect(found?.sample).toHaveLength(10);
  });

  it('makes the answer say so', async () => {
    await database.sql('UPDATE products SET stock = stock + 1 WHERE id = 5');
    const { body, status } = await audit();
    await database.sql('UPDATE products SET stock = stock - 1 WHERE id = 5');
    expect(status).toBe(200);
    expect(body.consistent).toBe(false);
    expect(body.checks.find(({ name }: { name: string }) => name === 'stock_equals_ledger')).toEqual({
      name: 'stock_equals_ledger',
      violations: 1,
      sample: [{ product_id: 5, first_count: 200, ledger_total: 0, stock: 201 }],
    });
  });
});

describe('the snapshot of an audit', () => {
  it('sees nothing that is committed after it has begun, and can write nothing', async () => {
    const door = app.app.get(DatabaseService);
    const nameOf = `SELECT name FROM products WHERE id = 5`;
    const names = await door.snapshot(async (tx) => {
      const before = (await clientOf(tx).query(nameOf)).rows[0].name;
      await database.sql(`UPDATE products SET name = 'Earphones' WHERE id = 5`);
      return [before, (await clientOf(tx).query(nameOf)).rows[0].name];
    });
    expect(names).toEqual(['Headphones', 'Headphones']);
    const writing = door.snapshot((tx) => clientOf(tx).query('UPDATE products SET stock = 0'));
    await expect(writing).rejects.toThrow(/read-only transaction/);
  });
});
