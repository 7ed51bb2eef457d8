import { isDeepStrictEqual } from 'node:util';
import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { ReservationRepository } from '../../src/inventory/reservation.repository.js';
import { ReservationService } from '../../src/inventory/reservation.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Statement } from '../../src/platform/database/statement.js';
import { BY_HAND, Client, newRef, Tables, times } from '../inventory/holds.js';
import { credentials, SandboxFixture, Shop } from '../payment/given-sandbox.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenApiKey, givenCustomer } from '../support/given.js';
import { expectAuditClean } from '../support/promises.js';

const sandbox = new SandboxFixture();
let database: TestDatabase;
let tables: Tables;
let shop: Shop;
let apps: [TestApp, TestApp];
let warehouses: [Client, Client];
let customers: [Client, Client];

beforeAll(async () => {
  await sandbox.prepare();
  const gateway = await sandbox.start();
  shop = new Shop(gateway.url);
  database = await cloneDatabase();
  tables = new Tables(database);
  const boot = () =>
    bootApp(database, {
      ...BY_HAND,
      YOOKASSA_API_URL: gateway.url,
      YOOKASSA_SHOP_ID: credentials.shopId,
      YOOKASSA_SECRET_KEY: credentials.secretKey,
    });
  apps = [await boot(), await boot()];
  const { headers } = await givenApiKey(apps[0], 'inventory:read', 'inventory:write');
  warehouses = [new Client(apps[0], headers), new Client(apps[1], headers)];
  const customer = await givenCustomer(apps[0]);
  customers = [new Client(apps[0], customer.headers), new Client(apps[1], customer.headers)];
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
  await sandbox.cleanUp();
});

const endOne = async (app: TestApp, orderRef: string) => {
  const { id, order_id } = await tables.hold(orderRef);
  return app.app.get(OverdueHolds).endOne({ id, order_ref: orderRef, order_id });
};

/** Ends the hold by its time as soon as that has come, unless somebody else has ended it before. */
async function expireWhenDue(app: TestApp, orderRef: string): Promise<boolean> {
  for (let look = 0; look < 1_000; look++) {
    if (await endOne(app, orderRef)) return true;
    if ((await tables.hold(orderRef)).status !== 'active') return false;
  }
  throw new Error('the hold neither ended nor ran out');
}

/** Rounds of a race, a few at a time. */
async function rounds(count: number, race: (index: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < count; at += 4) await times(Math.min(4, count - at), (index) => race(at + index));
}

describe('two releases at once', () => {
  it('give the goods back once, and tell of it once', async () => {
    const product_id = await tables.product(20);
    for (let round = 0; round < 20; round++) {
      const order_id = newRef();
      const { body } = await warehouses[0].reserve({ order_id, items: [{ product_id, quantity: 3 }] });
      const answers = await Promise.all(warehouses.map((warehouse) => warehouse.release(body.id)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await tables.stock(product_id)).toBe(20);
      expect(await tables.told(order_id)).toEqual(['reservation.released']);
    }
    expect(await tables.ledgerIsRight()).toBe(true);
  });
});

describe('release against confirmation against expiry', () => {
  it('is won by exactly one, two hundred times', async () => {
    const product_id = await tables.product(1_000);
    const won = { fulfilled: 0, cancelled: 0, expired: 0 };
    await rounds(200, async (index) => {
      const order_id = newRef();
      const { body } = await warehouses[0].reserve({ order_id, items: [{ product_id, quantity: 1 }] });
      await tables.runOut([order_id], index % 12);
      const [released, confirmed] = await Promise.all([
        warehouses[index % 2]!.release(body.id),
        warehouses[(index + 1) % 2]!.confirm(body.id),
        expireWhenDue(apps[index % 2]!, order_id),
      ]);
      const { status } = await tables.hold(order_id);
      expect([released.status === 200, confirmed.status === 200]).toEqual([
        status === 'cancelled',
        status === 'fulfilled',
      ]);
      const told = { fulfilled: [], cancelled: ['reservation.released'], expired: ['reservation.expired'] };
      expect(await tables.told(order_id)).toEqual(told[status as keyof typeof told]);
      won[status as keyof typeof won] += 1;
    });
    expect(won.fulfilled + won.cancelled + won.expired).toBe(200);
    expect(Math.min(won.expired, won.fulfilled + won.cancelled)).toBeGreaterThan(0);
    expect(await tables.stock(product_id)).toBe(1_000 - won.fulfilled);
    expect(await tables.ledgerIsRight()).toBe(true);
  });
});

describe('the end of a hold', () => {
  const endUnguarded = new Statement<{ id: string }>(
    'race-end-unguarded',
    'UPDATE reservations SET status = $2, reason = $3, ended_at = now() WHERE order_ref = $1 RETURNING id',
  );
  const USED_ONCE =
    'stock_movements_once ON stock_movements (order_ref, product_id, kind, round) WHERE order_ref IS NOT NULL';

  /** Ends one hold twice. @returns the stock after, of 10 of which 4 were held. */
  async function endTwice(withStatus: boolean, withUniqueKey: boolean): Promise<number> {
    const own = await cloneDatabase();
    const app = await bootApp(own, BY_HAND);
    const ownTables = new Tables(own);
    if (!withUniqueKey) {
      await own.sql('DROP INDEX stock_movements_once');
      await own.sql(`CREATE INDEX ${USED_ONCE}`);
    }
    if (!withStatus) {
      app.app.get(ReservationRepository).end = async (ref, status, reason, tx) =>
        (await endUnguarded.first([ref, status, reason], tx))?.id ?? null;
    }
    const product_id = await ownTables.product(10);
    const { headers } = await givenApiKey(app, 'inventory:write');
    const order_id = newRef();
    await new Client(app, headers).reserve({ order_id, items: [{ product_id, quantity: 4 }] });
    const [door, holds] = [app.app.get(DatabaseService), app.app.get(ReservationService)];
    await times(2, () => door.transaction((tx) => holds.end(order_id, 'cancelled', 'twice', tx)));
    const stock = await ownTables.stock(product_id);
    await app.close();
    await own.drop();
    return stock;
  }

  it.each([
    [10, 'both guards', true, true],
    [10, 'the unique key of the ledger alone', false, true],
    [10, 'the status alone', true, false],
    [14, 'neither guard', false, false],
  ])('leaves %s of 10 with %s', async (stock, _, withStatus, withUniqueKey) => {
    expect(await endTwice(withStatus, withUniqueKey)).toBe(stock);
  });
});

describe('payment against expiry against cancellation', () => {
  it('leaves money only where goods are, fifty times', async () => {
    const product_id = await tables.product(1_000);
    const won: Record<string, number> = { paid: 0, expired: 0, cancelled: 0 };
    const orderIds: string[] = [];
    await rounds(50, async (index) => {
      const [customer, other] = index % 2 ? customers : [customers[1], customers[0]];
      const { body: order } = await customer.order([{ product_id, quantity: 1 }]);
      orderIds.push(order.id);
      await tables.runOut([order.id], index % 16);
      const [paid, cancelled] = await Promise.all([
        customer.send('POST', `/orders/${order.id}/payments`, {}),
        index % 5 ? other.send('POST', `/orders/${order.id}/cancel`, {}) : undefined,
        index % 3 ? expireWhenDue(apps[index % 2]!, order.id) : undefined,
      ]);
      if (!(index % 3)) await expireWhenDue(apps[0], order.id);
      const { body: now } = await customer.send('GET', `/orders/${order.id}`);
      // Whoever cancels, before the payment, after it or while it is under way, has the last word.
      expect(cancelled?.status === 200).toBe(now.status === 'cancelled');
      expect((await shop.ledger(order.id)).captures).toBe(paid.status === 201 ? 1 : 0);
      const wasPaid = now.history.some(({ status }: { status: string }) => status === 'paid');
      const told = { paid: [], cancelled: ['reservation.released'], expired: ['reservation.expired'] };
      expect(await tables.told(order.id)).toEqual(wasPaid ? [] : told[now.status as keyof typeof told]);
      won[now.status] = (won[now.status] ?? 0) + 1;
    });
    // What came after its order had been cancelled is given back by whoever recovers.
    await Promise.all(apps.map(({ app }) => app.get(RecoveryService).recover()));

    expect(Object.keys(won).sort()).toEqual(['cancelled', 'expired', 'paid']);
    expect(Math.min(...Object.values(won))).toBeGreaterThan(0);
    expect(won.paid! + won.expired! + won.cancelled!).toBe(50);
    expect(await tables.stock(product_id)).toBe(1_000 - won.paid!);
    const kept = (await Promise.all(orderIds.map((id) => shop.ledger(id)))).flatMap(({ payments }) =>
      payments.filter(({ captured, refunded }) => !isDeepStrictEqual(captured, refunded)),
    );
    expect(kept).toHaveLength(won.paid!);
    expect(await tables.ledgerIsRight()).toBe(true);
    await expectAuditClean(apps[0]);
  });
});
