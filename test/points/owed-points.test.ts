import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { GIVEN_PASSWORD } from '../support/given.js';
import { entriesOf, givenGuest, pointsOf } from '../support/given-benefits.js';
import {
  expectProblem,
  givenAdminShopper,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { expectAuditClean, expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let app: TestApp;
let admin: Shopper;
let ada: Shopper;
let product_id: number;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await givenAdminShopper(app, database);
  product_id = await givenProduct(database, { price: 1_000 });
});
beforeEach(async () => {
  ada = await givenShopper(app);
});
afterEach(async () => {
  await expectPromisesKept(database);
  await expectAuditClean(app);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const acceptMoney = async (id: string) =>
  expect((await admin.send('POST', `/admin/orders/${id}/confirm-payment`, { body: {} })).status).toBe(200);

/** Pays 1000 by hand, and so earns 1000 points. */
async function pay(shopper: Shopper): Promise<string> {
  const { id } = await shopper.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
  await acceptMoney(id);
  return id;
}

/** An order that costs so much less, and is not paid yet. */
const redeem = async (shopper: Shopper, redeem_points: number): Promise<string> =>
  (await shopper.order([{ product_id, quantity: 1 }], { redeem_points })).id;

async function cancel(shopper: Shopper, id: string): Promise<void> {
  expect((await shopper.cancel(id)).body.status).toBe('cancelled');
}

/** What the shopper is told: the entries add up to it. */
async function told(shopper: Shopper): Promise<{ balance: number; owed: number }> {
  const { balance, owed, entries } = (await shopper.send('GET', '/points?limit=100')).body;
  expect(entries.reduce((sum: number, { delta }: { delta: number }) => sum + delta, 0)).toBe(balance - owed);
  expect((await shopper.send('GET', '/auth/me')).body.points).toBe(balance);
  return { balance, owed };
}

/** Has earned 1000 points with an order that was cancelled, and spent them with another, which waits to be paid. */
async function givenDebtor(): Promise<{ earnedBy: string; spentOn: string }> {
  const earnedBy = await pay(ada);
  const spentOn = await redeem(ada, 1_000);
  await cancel(ada, earnedBy);
  expect(await told(ada)).toEqual({ balance: 0, owed: 1_000 });
  return { earnedBy, spentOn };
}

describe('who earns points, spends them on an order, and undoes first the one and then the other', () => {
  it('has nothing in the end, however often it is done', async () => {
    for (let cycle = 0; cycle < 3; cycle++) {
      const paid = await pay(ada);
      expect(await told(ada)).toEqual({ balance: 1_000, owed: 0 });
      const pending = await redeem(ada, 1_000);
      await cancel(ada, paid);
      expect(await told(ada)).toEqual({ balance: 0, owed: 1_000 });
      await cancel(ada, pending);
      expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
    }
  });

  it('has nothing in the end either when it is undone the other way round', async () => {
    const paid = await pay(ada);
    await cancel(ada, await redeem(ada, 1_000));
    await cancel(ada, paid);
    expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
  });

  it('reads of all of it, and of what is owed', async () => {
    const { earnedBy, spentOn } = await givenDebtor();
    await cancel(ada, spentOn);
    const { body } = await ada.send('GET', '/points');
    const entry = { id: expect.any(Number), created_at: expect.any(String), reason: null };
    expect(body).toEqual({
      balance: 0,
      owed: 0,
      entries: [
        { ...entry, kind: 'returned', delta: 1_000, order_id: spentOn },
        {
          ...entry,
          kind: 'taken_back',
          delta: -1_000,
          order_id: earnedBy,
          reason: '1000 of 1000 were spent, and are owed',
        },
        { ...entry, kind: 'redeemed', delta: -1_000, order_id: spentOn },
        { ...entry, kind: 'earned', delta: 1_000, order_id: earnedBy },
      ],
      next_cursor: null,
    });
  });
});

describe('points that are owed', () => {
  it('are settled by what is earned next, and the rest is there to spend', async () => {
    await givenDebtor();
    const two = await ada.order([{ product_id, quantity: 2 }], { payment_method: 'cod' });
    await acceptMoney(two.id);
    expect(await told(ada)).toEqual({ balance: 1_000, owed: 0 });
    await redeem(ada, 1_000);
    expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
  });

  it('leave nothing to spend until they are settled', async () => {
    const { spentOn } = await givenDebtor();
    const answer = await ada.place([{ product_id, quantity: 1 }], { redeem_points: 1 });
    expectProblem(answer, 400, 'points_insufficient');
    expect(answer.body.balance).toBe(0);
    await cancel(ada, spentOn);
    expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
  });

  it('are settled bit by bit, each order once, however often it is cancelled', async () => {
    const earnedBy = await pay(ada);
    const spentOn = [await redeem(ada, 600), await redeem(ada, 300)];
    await cancel(ada, earnedBy);
    expect(await told(ada)).toEqual({ balance: 0, owed: 900 });
    for (const [id, owed] of [
      [spentOn[0] as string, 300],
      [spentOn[1] as string, 0],
    ] as const)
      for (let time = 0; time < 2; time++) {
        await cancel(ada, earnedBy);
        await cancel(ada, id);
        expect(await told(ada)).toEqual({ balance: 0, owed });
      }
  });

  it('come from a refund of the last of the money, not from one of a part', async () => {
    const earnedBy = await pay(ada);
    await redeem(ada, 1_000);
    const refund = (amount: number) =>
      admin.send('POST', `/admin/orders/${earnedBy}/refund`, { body: { amount, reason: 'arrived broken' } });
    expect((await refund(400)).status).toBe(200);
    expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
    expect((await refund(600)).status).toBe(200);
    expect(await told(ada)).toEqual({ balance: 0, owed: 1_000 });
    expect((await entriesOf(database, earnedBy)).at(-1)).toEqual({ kind: 'taken_back', delta: -1_000 });
    // Its goods come back as well: that is no second time.
    await cancel(ada, earnedBy);
    expect(await told(ada)).toEqual({ balance: 0, owed: 1_000 });
  });

  it('are settled by an order that was placed as a guest', async () => {
    await givenDebtor();
    const guest = await givenGuest(app, database);
    const { id } = await guest.order([{ product_id, quantity: 1 }], { payment_method: 'cod' });
    const body = { email: ada.user.user.email, password: GIVEN_PASSWORD };
    expect((await guest.send('POST', '/auth/login', { body })).status).toBe(200);
    expect(await told(ada)).toEqual({ balance: 0, owed: 1_000 });
    await acceptMoney(id);
    expect(await told(ada)).toEqual({ balance: 0, owed: 0 });
  });
});

describe('the tables', () => {
  it.each([
    [
      'a debt beside a balance',
      'points_accounts_owed_first',
      'UPDATE points_accounts SET balance = 1, owed = 1',
    ],
    ['a debt below 0', 'points_accounts_owed_check', 'UPDATE points_accounts SET owed = -1'],
  ])('hold no %s', async (_, constraint, text) => {
    await pay(ada);
    await expect(database.sql(`${text} WHERE user_id = $1`, [ada.id])).rejects.toMatchObject({ constraint });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 1_000, booked: 1_000 });
  });
});
