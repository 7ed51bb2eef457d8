import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { times, until } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  expectProblem,
  givenAdminShopper,
  givenHoldIsOver,
  givenProduct,
  givenShopper,
  movementsOf,
  type Shopper,
  stockOf,
} from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let app: TestApp;
let ada: Shopper;
let product_id: number;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  ada = await givenShopper(app);
});
beforeEach(async () => {
  product_id = await givenProduct(database, { stock: 10 });
});
afterAll(() => expectPromisesKept(database));
afterAll(async () => {
  await app.close();
  await database.drop();
});

const givenOrder = async (quantity = 3, members: object = {}): Promise<any> =>
  ada.order([{ product_id, quantity }], members);

/** An admin has taken the money for it. */
async function givenPaidOrder(): Promise<string> {
  const { id } = await givenOrder(1, { payment_method: 'cod' });
  const admin = await givenAdminShopper(app, database);
  expect((await admin.send('POST', `/admin/orders/${id}/confirm-payment`)).status).toBe(200);
  return id;
}

const setPaymentStatus = (id: string, status: string) =>
  database.sql('UPDATE orders SET payment_status = $2 WHERE id = $1', [id, status]);

const eventsOf = async (id: string): Promise<string[]> => {
  const rows = await database.sql(`SELECT type FROM events WHERE data->>'order_id' = $1 ORDER BY id`, [id]);
  return rows.map(({ type }) => type);
};

describe('cancelling', () => {
  it('gives back what the order took, and says so in its history', async () => {
    const placed = await givenOrder();
    expect(await stockOf(database, product_id)).toBe(7);
    const answer = await ada.cancel(placed.id, { reason: 'ordered by mistake' });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ...placed,
      status: 'cancelled',
      reservation: { ...placed.reservation, status: 'cancelled' },
      history: [
        ...placed.history,
        { status: 'cancelled', reason: 'ordered by mistake', at: answer.body.updated_at },
      ],
      updated_at: expect.any(String),
    });
    expect((await ada.get(placed.id)).body).toEqual(answer.body);
    expect(await movementsOf(database, product_id)).toEqual([
      { kind: 'taken', delta: -3, stock_after: 7, order_ref: placed.id },
      { kind: 'returned', delta: 3, stock_after: 10, order_ref: placed.id },
    ]);
    expect(await eventsOf(placed.id)).toEqual(['order.placed', 'reservation.released', 'order.cancelled']);
  });

  it('gives back each of several lines', async () => {
    const other = await givenProduct(database, { stock: 4 });
    const { id } = await ada.order([
      { product_id, quantity: 1 },
      { product_id: other, quantity: 4 },
    ]);
    await ada.cancel(id);
    expect([await stockOf(database, product_id), await stockOf(database, other)]).toEqual([10, 4]);
  });

  it('twice answers the cancelled order again, with no second effect', async () => {
    const { id } = await givenOrder();
    const first = await ada.cancel(id, { reason: 'too dear' });
    const second = await ada.cancel(id, { reason: 'another reason' });
    expect([second.status, second.body]).toEqual([200, first.body]);
    expect(second.headers['idempotent-replayed']).toBeUndefined();
    expect(await movementsOf(database, product_id)).toHaveLength(2);
    expect(await eventsOf(id)).toHaveLength(3);
    expect(await stockOf(database, product_id)).toBe(10);
  });

  it('needs neither reason nor body', async () => {
    for (const body of [undefined, {}, '', 'null', { reason: null }]) {
      const { id } = await givenOrder(1);
      const { status, body: order } = await ada.cancel(id, body);
      expect(status).toBe(200);
      expect(order.history[1].reason).toBe('cancelled by the customer');
    }
  });

  it('with a key replays its first answer', async () => {
    const { id } = await givenOrder();
    const first = await ada.cancel(id, { reason: 'too dear' }, 'a-key');
    const again = await ada.cancel(id, { reason: 'too dear' }, 'a-key');
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expectProblem(await ada.cancel(id, { reason: 'other' }, 'a-key'), 422, 'idempotency_key_reused');
  });

  it.each<[string, object]>([
    ['reason must be between 1 and 500 characters', { reason: '' }],
    ['reason must be between 1 and 500 characters', { reason: 'x'.repeat(501) }],
    ['reason must be between 1 and 500 characters', { reason: 5 }],
    ['reason must not have control characters', { reason: 'a\u0000b' }],
    ['status is not a known member', { status: 'paid' }],
  ])('is 400, and the order stays, when %s', async (text, body) => {
    const { id } = await givenOrder(1);
    expectProblem(await ada.cancel(id, body), 400, 'validation_failed', text);
    expect((await ada.get(id)).body.status).toBe('pending');
  });

  it('makes room for the next buyer', async () => {
    const { id } = await givenOrder(10);
    expectProblem(await ada.place([{ product_id, quantity: 1 }]), 409, 'insufficient_stock');
    await ada.cancel(id);
    expect((await ada.place([{ product_id, quantity: 10 }])).status).toBe(201);
  });

  it('a shipped order is 409', async () => {
    const id = await givenPaidOrder();
    const admin = await givenAdminShopper(app, database);
    expect((await admin.send('POST', `/admin/orders/${id}/ship`)).status).toBe(200);
    expectProblem(
      await ada.cancel(id),
      409,
      'order_not_cancellable',
      'an order that is shipped cannot be cancelled',
    );
    expect(await stockOf(database, product_id)).toBe(9);
  });
});

describe('an order that is not paid in time', () => {
  const expire = () => app.app.get(OverdueHolds).sweep();

  it('ends as expired, once, and its goods come back', async () => {
    const placed = await givenOrder();
    await givenHoldIsOver(database, placed.id);
    expect(await expire()).toBe(1);
    const { body } = await ada.get(placed.id);
    expect(body).toMatchObject({
      status: 'expired',
      payment_status: 'unpaid',
      reservation: { id: placed.reservation.id, status: 'expired' },
      history: [
        { status: 'pending', reason: null },
        { status: 'expired', reason: 'not paid in time', at: body.updated_at },
      ],
    });
    expect(await stockOf(database, product_id)).toBe(10);
    expect(await expire()).toBe(0);
    expect((await movementsOf(database, product_id)).map(({ kind }) => kind)).toEqual(['taken', 'returned']);
    expect(await eventsOf(placed.id)).toEqual(['order.placed', 'reservation.expired', 'order.expired']);
    expect((await ada.get(placed.id)).body).toEqual(body);
  });

  it('can neither be cancelled nor paid any more', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    await expire();
    const text = (what: string) => `an order that is expired cannot be ${what}`;
    expectProblem(await ada.cancel(id), 409, 'order_not_cancellable', text('cancelled'));
    expectProblem(await ada.pay(id), 409, 'order_not_payable', text('paid'));
    expect(await stockOf(database, product_id)).toBe(10);
  });

  it('is left alone while a payment of it is under way, and ends when that has failed', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    await setPaymentStatus(id, 'processing');
    expect(await expire()).toBe(0);
    expect((await ada.get(id)).body.status).toBe('pending');
    await setPaymentStatus(id, 'failed');
    expect(await expire()).toBe(1);
  });

  it('is the only one that ends: not one in time, nor one that is paid or cancelled', async () => {
    const [inTime, cancelled] = [(await givenOrder(1)).id, (await givenOrder(1)).id];
    const paid = await givenPaidOrder();
    await ada.cancel(cancelled);
    for (const id of [cancelled, paid]) await givenHoldIsOver(database, id);
    expect(await expire()).toBe(0);
    const standing = await Promise.all([inTime, cancelled, paid].map((id) => ada.get(id)));
    expect(standing.map(({ body }) => body.status)).toEqual(['pending', 'cancelled', 'paid']);
    await ada.cancel(inTime);
  });

  it('does not keep the others from ending when it cannot end itself', async () => {
    const ids: string[] = (await times(3, () => givenOrder(1))).map(({ id }) => id);
    for (const id of ids) await givenHoldIsOver(database, id);
    await database.sql(
      `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'stuck'; END $$`,
    );
    await database.sql(
      `CREATE TRIGGER fail BEFORE INSERT ON order_history FOR EACH ROW
       WHEN (NEW.order_id = '${ids[1]}') EXECUTE FUNCTION fail()`,
    );
    expect(await expire()).toBe(2);
    expect(await stockOf(database, product_id)).toBe(9);
    await database.sql('DROP FUNCTION fail CASCADE');
    expect(await expire()).toBe(1);
  });

  it('is looked at once more under its lock: whoever has got more time meanwhile keeps the goods', async () => {
    const { id, reservation } = await givenOrder();
    const hold = { id: reservation.id, order_ref: id, order_id: id };
    expect(await app.app.get(OverdueHolds).endOne(hold)).toBe(false);
    expect((await ada.get(id)).body.status).toBe('pending');
    await givenHoldIsOver(database, id);
    expect(await app.app.get(OverdueHolds).endOne(hold)).toBe(true);
  });

  it('is ended by the service itself before long', async () => {
    const { id } = await givenOrder();
    await givenHoldIsOver(database, id);
    const sweeping = await bootApp(database, { RESERVATION_SWEEP_SECONDS: '1' });
    await until('it has expired', async () => (await ada.get(id)).body.status === 'expired');
    expect(await stockOf(database, product_id)).toBe(10);
    await sweeping.close();
  });
});
