import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual as isEqual } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RecoveryService } from '../../src/checkout/recovery.service.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { ReservationRepository } from '../../src/inventory/reservation.repository.js';
import { OrderRepository } from '../../src/order/order.repository.js';
import { givenHeldLock, givenHeldProducts, meeting, times, until, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  type Answer,
  countOf,
  type GivenSandbox,
  givenHoldIsOver,
  givenProduct,
  givenSandbox,
  givenShopper,
  movementsOf,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { brokenPromises, expectAuditClean, expectPromisesKept } from '../support/promises.js';

let sandbox: GivenSandbox;
let database: TestDatabase;
let one: TestApp;
let other: TestApp;

beforeAll(async () => {
  sandbox = await givenSandbox();
  database = await cloneDatabase();
  [one, other] = await Promise.all([
    bootApp(database, sandbox.settings),
    bootApp(database, sandbox.settings),
  ]);
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await sandbox.close();
  await database.drop();
});

const expireAt = ({ app }: TestApp) => app.get(OverdueHolds).sweep();

const isPending = async (orderId: string) =>
  (await database.sql(`SELECT FROM orders WHERE id = $1 AND status = 'pending'`, [orderId])).length > 0;

describe('paying, cancelling and expiring one order at the same instant', () => {
  /** The hold is over, expiring has the order and waits for its product; the others come while it is at it. */
  async function raceAfterExpiry(ada: Shopper, orderId: string, productId: number): Promise<void> {
    await givenHoldIsOver(database, orderId);
    const held = await givenHeldProducts(database, productId);
    const expired = expireAt(one);
    await untilWaiting(database, 1);
    const others = [ada.pay(orderId), ada.at(other).cancel(orderId)];
    await untilWaiting(database, 3);
    await held.release();
    await Promise.all([expired, ...others]);
  }

  /** All wait for the order, in this sequence; the hold ends at some time while they are at it. */
  async function raceWithExpiry(orderId: string, calls: (() => Promise<Answer>)[], holdMs: number) {
    const held = await givenHeldLock(database, 'SELECT FROM orders WHERE id = $1 FOR UPDATE', [orderId]);
    const answers: Promise<Answer>[] = [];
    for (const call of calls) {
      answers.push(call());
      await untilWaiting(database, answers.length);
    }
    await database.sql(
      `UPDATE reservations SET expires_at = clock_timestamp() + $2 * interval '1 millisecond' WHERE order_id = $1`,
      [orderId, holdMs],
    );
    const released = held.release();
    await until('the order is no longer pending', async () => {
      await Promise.all([expireAt(one), expireAt(other)]);
      return !(await isPending(orderId));
    });
    await Promise.all([released, ...answers]);
  }

  /** What the provider has charged for an order and still has. */
  async function keptOf(orderId: string): Promise<{ captures: number; isRefunded: boolean }> {
    const { captures, payments } = await sandbox.ledger(orderId);
    return { captures, isRefunded: payments.some(({ captured, refunded }) => isEqual(captured, refunded)) };
  }

  it('leaves money only where goods are, fifty times', async () => {
    const product_id = await givenProduct(database, { stock: 50 });
    const ada = await givenShopper(one);
    const orders = await times(50, () => ada.order([{ product_id, quantity: 1 }]));
    for (const [round, { id }] of orders.entries()) {
      const pay = () => ada.pay(id);
      const cancel = () => ada.at(other).cancel(id);
      const holdMs = round % 2 === 1 ? 2 : 60_000;
      if (round % 5 === 0) await raceAfterExpiry(ada, id, product_id);
      else if (round % 5 === 1) await raceWithExpiry(id, [pay], holdMs);
      else await raceWithExpiry(id, round % 5 === 2 ? [cancel, pay] : [pay, cancel], holdMs);
    }
    // Money that came after its order had been cancelled is given back by whoever recovers.
    await Promise.all([one, other].map(({ app }) => app.get(RecoveryService).recover()));

    const found = { paid: 0, expired: 0, cancelled: 0, refunded: 0 };
    for (const { id } of orders) {
      const { status, payment_status } = (await ada.get(id)).body;
      const { captures, isRefunded } = await keptOf(id);
      expect({ status, captures, isRefunded }).toEqual({
        status,
        captures: status === 'paid' || payment_status === 'refunded' ? 1 : 0,
        isRefunded: payment_status === 'refunded',
      });
      if (status === 'paid') expect(payment_status).toBe('paid');
      found[status as 'paid' | 'expired' | 'cancelled'] += 1;
      found.refunded += isRefunded ? 1 : 0;
    }
    expect(found.paid + found.cancelled + found.expired).toBe(50);
    for (const count of Object.values(found)) expect(count).toBeGreaterThan(0);
    expect(await stockOf(database, product_id)).toBe(50 - found.paid);
    const refunds = await database.sql(
      `SELECT order_id, count(*) AS refunds FROM refunds JOIN orders o ON o.id = order_id
       WHERE o.user_id = $1 AND refunds.status = 'succeeded' GROUP BY order_id`,
      [ada.id],
    );
    expect(refunds).toHaveLength(found.refunded);
    expect(refunds.filter(({ refunds }) => Number(refunds) !== 1)).toEqual([]);
    await expectPromisesKept(database);
    await expectAuditClean(one);
  });
});

describe('five simultaneous cancels', () => {
  it('give the stock back once, and each is answered with the cancelled order', async () => {
    const product_id = await givenProduct(database, { stock: 10 });
    const ada = await givenShopper(one);
    const { id } = await ada.order([{ product_id, quantity: 4 }]);
    const answers = await times(5, (index) => ada.at(index % 2 ? one : other).cancel(id));
    expect(countOf(answers, 200)).toBe(5);
    for (const { body } of answers) expect(body).toEqual(answers[0]?.body);
    expect(await stockOf(database, product_id)).toBe(10);
    expect((await movementsOf(database, product_id)).map(({ kind }) => kind)).toEqual(['taken', 'returned']);
    await expectPromisesKept(database);
  });

  it('and two instances that expire give the stock back once', async () => {
    const product_id = await givenProduct(database, { stock: 10 });
    const ada = await givenShopper(one);
    const orders = await times(10, () => ada.order([{ product_id, quantity: 1 }]));
    for (const { id } of orders) await givenHoldIsOver(database, id);
    const ended = await Promise.all([expireAt(one), expireAt(other), expireAt(one), expireAt(other)]);
    expect(ended.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(10);
    await expireAt(one);
    expect(await stockOf(database, product_id)).toBe(10);
    await expectPromisesKept(database);
  });
});

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;
  let app: TestApp;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
  });
  afterEach(async () => {
    await app.close();
    await unguarded.drop();
  });

  /** Whoever means to move the order looks at it without locking it, and so many have looked before any goes on. */
  function withoutOrderLock(nest: NestFastifyApplication, parties: number): void {
    const repository = nest.get(OrderRepository);
    const allHaveLooked = meeting(parties);
    repository.lock = async (id, tx) => {
      const [order] = await repository.findAll([id], tx);
      await allHaveLooked();
      return order ?? null;
    };
    repository.lockOverdue = async (ids) => {
      await allHaveLooked();
      return ids;
    };
  }

  it('a paid order is cancelled and its goods are lost: its row is not locked', async () => {
    const [hasLooked, isPaid] = [meeting(2), meeting(2)];
    let looks = 0;
    app = await bootApp(unguarded, sandbox.settings, (nest) => {
      const repository = nest.get(OrderRepository);
      repository.lock = async (id, tx) => {
        const [order] = await repository.findAll([id], tx);
        looks += 1;
        // The cancel looks first, and goes on from what it saw when the order is paid.
        if (looks === 1) {
          await hasLooked();
          await isPaid();
        }
        return order ?? null;
      };
    });
    const ada = await givenShopper(app);
    const product_id = await givenProduct(unguarded, { stock: 10 });
    const { id } = await ada.order([{ product_id, quantity: 4 }]);
    const cancelled = ada.cancel(id);
    await hasLooked();
    expect((await ada.pay(id)).status).toBe(201);
    await isPaid();
    expect((await cancelled).body.status).toBe('cancelled');
    expect(await stockOf(unguarded, product_id)).toBe(6);
    expect(await brokenPromises(unguarded)).toContain(
      'an ended order has given back all it took, and no other has',
    );
  });

  it('an order ends twice: its row is not locked', async () => {
    app = await bootApp(unguarded, {}, (nest) => {
      withoutOrderLock(nest, 2);
      const repository = nest.get(OrderRepository);
      const updateStatus = repository.updateStatus.bind(repository);
      const bothHaveDecided = meeting(2);
      repository.updateStatus = async (...update) => {
        await bothHaveDecided();
        await updateStatus(...update);
      };
    });
    const ada = await givenShopper(app);
    const { id } = await ada.order([{ product_id: await givenProduct(unguarded), quantity: 1 }]);
    await givenHoldIsOver(unguarded, id);
    await Promise.all([ada.cancel(id), expireAt(app)]);
    expect(await brokenPromises(unguarded)).toContain(
      'the history is a way that an order may go, and ends where the order stands',
    );
  });

  it('five cancels give the stock back more than once: no lock, no look at the hold, no unique key', async () => {
    await unguarded.sql('DROP INDEX stock_movements_once');
    app = await bootApp(unguarded, {}, (nest) => {
      withoutOrderLock(nest, 5);
      nest.get(ReservationRepository).end = async () => randomUUID();
    });
    const product_id = await givenProduct(unguarded, { stock: 10 });
    const ada = await givenShopper(app);
    const { id } = await ada.order([{ product_id, quantity: 4 }]);
    await times(5, () => ada.cancel(id));
    expect(await stockOf(unguarded, product_id)).toBeGreaterThan(10);
    expect(await brokenPromises(unguarded)).toContain(
      'an ended order has given back all it took, and no other has',
    );
  });

  it('the unique key alone still gives the stock back once', async () => {
    app = await bootApp(unguarded, {}, (nest) => {
      withoutOrderLock(nest, 5);
      nest.get(ReservationRepository).end = async () => randomUUID();
    });
    const product_id = await givenProduct(unguarded, { stock: 10 });
    const ada = await givenShopper(app);
    const { id } = await ada.order([{ product_id, quantity: 4 }]);
    await times(5, () => ada.cancel(id));
    expect(await stockOf(unguarded, product_id)).toBe(10);
  });
});
