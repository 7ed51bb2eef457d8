import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DiscountRepository } from '../../src/discount/discount.repository.js';
import type { Discount } from '../../src/discount/discount.types.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { OrderRepository } from '../../src/order/order.repository.js';
import type { OrderRow } from '../../src/order/order.types.js';
import { OrderBenefits } from '../../src/order/order-benefits.service.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Statement } from '../../src/platform/database/statement.js';
import { type Account, PointsRepository } from '../../src/points/points.repository.js';
import { givenHeldLock, meeting, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { entriesOf, givenDiscount, givenPoints, pointsOf, usesOf } from '../support/given-benefits.js';
import {
  type Answer,
  countOf,
  givenAdminShopper,
  givenHoldIsOver,
  givenProduct,
  givenShopper,
  type Shopper,
} from '../support/given-shop.js';
import { brokenPromises, expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let one: TestApp;
let other: TestApp;
let admin: Shopper;
let ada: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  [one, other] = await Promise.all([bootApp(database), bootApp(database)]);
  admin = await givenAdminShopper(one, database);
});
beforeEach(async () => {
  ada = await givenShopper(one);
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await database.drop();
});

const anywhere = (shopper: Shopper, index: number): Shopper => shopper.at(index % 2 ? one : other);

/** Each order has a product of its own, so that no product's lock keeps them apart. */
const placeOwn = async (
  shopper: Shopper,
  database: TestDatabase,
  members: object,
): Promise<() => Promise<Answer>> => {
  const product_id = await givenProduct(database, { price: 10 });
  return () => shopper.place([{ product_id, quantity: 1 }], members);
};

function expectRefused(answers: Answer[], reason: string): void {
  for (const { status, body } of answers.filter(({ status }) => status !== 201))
    expect({ status, code: body.code, reason: body.reason }).toEqual({
      status: 400,
      code: 'discount_invalid',
      reason,
    });
}

/** Has everybody in the queue before anybody may look at the discount. */
async function placeAtOnce(code: string, placing: (() => Promise<Answer>)[]): Promise<Answer[]> {
  const held = await givenHeldLock(database, 'SELECT FROM discounts WHERE code = $1 FOR UPDATE', [code]);
  const answers = placing.map((place) => place());
  await untilWaiting(database, 2);
  await held.release();
  return Promise.all(answers);
}

describe('simultaneous orders with a code', () => {
  it('that has one use left: one of five is discounted, four are refused with the reason', async () => {
    const code = await givenDiscount(database, { usage_limit: 3 });
    for (let n = 0; n < 2; n++) await (await placeOwn(ada, database, { discount_code: code }))();
    const shoppers = await times(5, () => givenShopper(one));
    const placing = await Promise.all(
      shoppers.map((shopper, index) => placeOwn(anywhere(shopper, index), database, { discount_code: code })),
    );
    const answers = await placeAtOnce(code, placing);
    expect(countOf(answers, 201)).toBe(1);
    expectRefused(answers, 'used_up');
    expect(await usesOf(database, code)).toEqual({ counted: 3, live: 3, returned: 0 });
    await expectPromisesKept(database);
  });

  it('that has one use left, for one product: one of fifty is discounted', async () => {
    const code = await givenDiscount(database, { usage_limit: 1 });
    const product_id = await givenProduct(database);
    const answers = await times(50, (index) =>
      anywhere(ada, index).place([{ product_id, quantity: 1 }], { discount_code: code }),
    );
    expect(countOf(answers, 201)).toBe(1);
    expectRefused(answers, 'used_up');
    expect(await usesOf(database, code)).toEqual({ counted: 1, live: 1, returned: 0 });
    await expectPromisesKept(database);
  });

  it('that each user may use twice: each does, and no more often', async () => {
    const code = await givenDiscount(database, { per_user_limit: 2 });
    const eve = await givenShopper(one);
    const placing = await times(12, (index) =>
      placeOwn(anywhere(index % 4 < 2 ? ada : eve, index), database, { discount_code: code }),
    );
    const answers = await placeAtOnce(code, placing);
    expect(countOf(answers, 201)).toBe(4);
    expectRefused(answers, 'used_up_by_you');
    const uses = await database.sql(
      `SELECT user_id, count(*)::int AS uses FROM discount_uses JOIN discounts d ON d.id = discount_id
       WHERE d.code = $1 GROUP BY user_id ORDER BY user_id`,
      [code],
    );
    expect(uses).toEqual([
      { user_id: ada.id, uses: 2 },
      { user_id: eve.id, uses: 2 },
    ]);
    await expectPromisesKept(database);
  });
});

describe('simultaneous orders with points', () => {
  it('of which each would spend the whole balance: one does', async () => {
    await givenPoints(database, admin, ada, 500);
    const placing = await times(6, (index) =>
      placeOwn(anywhere(ada, index), database, { redeem_points: 500 }),
    );
    const held = await givenHeldLock(database, 'SELECT FROM points_accounts WHERE user_id = $1 FOR UPDATE', [
      ada.id,
    ]);
    const answers = placing.map((place) => place());
    await untilWaiting(database, 2);
    await held.release();
    const all = await Promise.all(answers);
    expect(countOf(all, 201)).toBe(1);
    for (const { status, body } of all.filter(({ status }) => status !== 201))
      expect([status, body.code, body.balance]).toEqual([400, 'points_insufficient', 0]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 0, booked: 0 });
    await expectPromisesKept(database);
  });

  it('spend what there is and no more, ten at a time', async () => {
    await givenPoints(database, admin, ada, 100);
    const placing = await times(15, (index) =>
      placeOwn(anywhere(ada, index), database, { redeem_points: 10 }),
    );
    const answers = await Promise.all(placing.map((place) => place()));
    expect(countOf(answers, 201)).toBe(10);
    expect(countOf(answers, 400)).toBe(5);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 0, booked: 0 });
    await expectPromisesKept(database);
  });
});

describe('an order with a code and points that is cancelled and expires, many times at once', () => {
  it('gives them back once', async () => {
    await givenPoints(database, admin, ada, 500);
    const code = await givenDiscount(database, { usage_limit: 1 });
    for (let round = 0; round < 10; round++) {
      const placed = await (await placeOwn(ada, database, { discount_code: code, redeem_points: 500 }))();
      const { id } = placed.body;
      await givenHoldIsOver(database, id);
      const expiring = [one, other].map(({ app }) => app.get(OverdueHolds).sweep());
      await Promise.all([...expiring, times(4, (index) => anywhere(ada, index).cancel(id))]);
      await one.app.get(OverdueHolds).sweep();
      expect(await entriesOf(database, id)).toEqual([
        { kind: 'redeemed', delta: -500 },
        { kind: 'returned', delta: 500 },
      ]);
    }
    expect(await usesOf(database, code)).toEqual({ counted: 0, live: 0, returned: 10 });
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 500, booked: 500 });
    await expectPromisesKept(database);
  });
});

/** Asks five times at once, over two instances and without a lock, for what a paid order earns. */
async function earnAtOnce(apps: TestApp[], orderId: string): Promise<void> {
  const allAreHere = meeting(5);
  await times(5, async (index) => {
    const { app } = apps[index % 2] as TestApp;
    await app.get(DatabaseService).transaction(async (tx) => {
      const [order] = await app.get(OrderRepository).findAll([orderId], tx);
      await allAreHere();
      await app.get(OrderBenefits).earn(order as OrderRow, tx);
    });
  });
}

describe('a paid order', () => {
  it('earns once, however many settle it at once', async () => {
    const { body } = await (await placeOwn(ada, database, {}))();
    await earnAtOnce([one, other], body.id);
    expect(await entriesOf(database, body.id)).toEqual([{ kind: 'earned', delta: 10 }]);
    expect(await pointsOf(database, ada.id)).toEqual({ balance: 10, booked: 10 });
  });
});

/** Counts how often Postgres has undone a transaction of ours, for a deadlock or otherwise, from now on. */
function countingUndone(): () => number {
  const told = jest.spyOn(Logger.prototype, 'debug');
  return () =>
    told.mock.calls.filter(([message]) => String(message).includes('undone by the database')).length;
}

function gate(): { open: () => void; opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('orders with codes and points of several users', () => {
  it('never wait for each other in a circle', async () => {
    const undone = countingUndone();
    const eve = await givenShopper(one);
    for (const shopper of [ada, eve]) await givenPoints(database, admin, shopper, 1_000);
    const codes = [await givenDiscount(database), await givenDiscount(database)];
    const placing = await times(48, (index) =>
      placeOwn(anywhere(index % 4 < 2 ? ada : eve, index), database, {
        discount_code: codes[index % 3 === 0 ? 0 : 1],
        redeem_points: index % 5 === 0 ? 0 : 10,
      }),
    );
    const answers = await Promise.all(placing.map((place) => place()));
    expect(countOf(answers, 201)).toBe(48);
    const ends = answers.map(({ body }, index) =>
      anywhere(body.user_id === ada.id ? ada : eve, index).cancel(body.id),
    );
    expect(countOf(await Promise.all(ends), 200)).toBe(48);
    expect(undone()).toBe(0);
    for (const { id } of [ada, eve])
      expect(await pointsOf(database, id)).toEqual({ balance: 1_000, booked: 1_000 });
    await expectPromisesKept(database);
  });
});

describe('who makes room by ending an order with points while its user orders with another code', () => {
  /** @returns how many transactions were undone. */
  async function makeRoomBeside(lockTogether: boolean): Promise<number> {
    await givenPoints(database, admin, ada, 500);
    const code = await givenDiscount(database);
    const product_id = await givenProduct(database, { stock: 1 });
    const overdue = await ada.order([{ product_id, quantity: 1 }], { redeem_points: 100 });
    await givenHoldIsOver(database, overdue.id);
    const benefits = one.app.get(OrderBenefits);
    if (!lockTogether) {
      // Guard off: what the ended orders have in hand is not locked before they end.
      const lock = benefits.lock.bind(benefits);
      jest
        .spyOn(benefits, 'lock')
        .mockImplementation((requests, orderIds, tx) => lock(orderIds.length > 0 ? [] : requests, [], tx));
    }
    const giveBack = benefits.giveBack.bind(benefits);
    const [ended, mayGoOn] = [gate(), gate()];
    jest.spyOn(benefits, 'giveBack').mockImplementationOnce(async (...order) => {
      await giveBack(...order);
      ended.open();
      await mayGoOn.opened;
    });
    const undone = countingUndone();
    const eve = await givenShopper(one);
    const placing = eve.place([{ product_id, quantity: 1 }], { discount_code: code });
    await ended.opened;
    const beside = (await placeOwn(ada.at(other), database, { discount_code: code, redeem_points: 100 }))();
    await untilWaiting(database);
    mayGoOn.open();
    expect((await placing).status).toBe(201);
    expect((await beside).status).toBe(201);
    await expectPromisesKept(database);
    return undone();
  }

  it('locks the codes and accounts of both together, so nobody locks the other out', async () => {
    expect(await makeRoomBeside(true)).toBe(0);
  });

  it('locks each other out when they are locked one after the other', async () => {
    expect(await makeRoomBeside(false)).toBeGreaterThan(0);
  });
});

describe('while somebody holds a discount and an account for long', () => {
  it('who wants them is told to try again, and the others in the batch are served', async () => {
    const hasty = await bootApp(database, { DATABASE_LOCK_TIMEOUT_MS: '200' });
    const [codeHeld, free] = [await givenDiscount(database), await givenDiscount(database)];
    await givenPoints(database, admin, ada, 500);
    const eve = await givenShopper(one);
    const held = [
      await givenHeldLock(database, 'SELECT FROM discounts WHERE code = $1 FOR UPDATE', [codeHeld]),
      await givenHeldLock(database, 'SELECT FROM points_accounts WHERE user_id = $1 FOR UPDATE', [ada.id]),
    ];
    try {
      const wishes: [Shopper, object, number, string?][] = [
        [eve, { discount_code: codeHeld }, 503, 'overloaded'],
        [ada, { redeem_points: 1 }, 503, 'overloaded'],
        [eve, { redeem_points: 1 }, 400, 'points_insufficient'],
        [eve, { discount_code: 'NOSUCHCODE' }, 400, 'discount_invalid'],
        [eve, { discount_code: free }, 201],
        [ada, {}, 201],
      ];
      const placing = await Promise.all(
        wishes.map(([shopper, members]) => placeOwn(shopper.at(hasty), database, members)),
      );
      // The first is a batch of its own; those that come while it waits are the next.
      const first = (await placeOwn(eve.at(hasty), database, { discount_code: codeHeld }))();
      await untilWaiting(database);
      const answers = await Promise.all(placing.map((place) => place()));
      expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
        wishes.map(([, , status, code]) => [status, code]),
      );
      expect((await first).headers['retry-after']).toBe('1');
    } finally {
      for (const lock of held) await lock.release();
      await hasty.close();
    }
    await expectPromisesKept(database);
  });
});

const readDiscounts = new Statement<Discount & { deleted: boolean }>(
  'race-read-discounts',
  'SELECT *, false AS deleted FROM discounts WHERE code = ANY($1::text[])',
);
const readAccounts = new Statement<Account>(
  'race-read-accounts',
  'SELECT user_id, balance FROM points_accounts WHERE user_id = ANY($1::int[])',
);

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;
  let apps: TestApp[];
  let buyer: Shopper;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
    apps = await times(2, () => bootApp(unguarded));
    buyer = await givenShopper(apps[0] as TestApp);
  });
  afterEach(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await unguarded.drop();
  });

  /** Each instance places one; both have read before either goes on. */
  async function buyOnBoth(shoppers: Shopper[], members: object): Promise<Answer[]> {
    const placing = await Promise.all(
      apps.map((app, index) => placeOwn((shoppers[index] as Shopper).at(app), unguarded, members)),
    );
    return Promise.all(placing.map((place) => place()));
  }

  function withoutDiscountLock(): void {
    const bothHaveRead = meeting(2);
    for (const { app } of apps) {
      app.get(DiscountRepository).lockForUse = async (codes, _, tx) => {
        const discounts = await readDiscounts.run([codes], tx);
        await bothHaveRead();
        return discounts;
      };
    }
  }

  function withoutAccountLock(): void {
    const bothHaveRead = meeting(2);
    for (const { app } of apps) {
      app.get(PointsRepository).lock = async (userIds, _, tx) => {
        const accounts = await readAccounts.run([userIds], tx);
        await bothHaveRead();
        return accounts;
      };
    }
  }

  it('the last use is used twice: no row lock, no CHECK', async () => {
    await unguarded.sql('ALTER TABLE discounts DROP CONSTRAINT discounts_usage_limit_kept');
    const code = await givenDiscount(unguarded, { usage_limit: 1 });
    withoutDiscountLock();
    const answers = await buyOnBoth([buyer, await givenShopper(apps[0] as TestApp)], { discount_code: code });
    expect(countOf(answers, 201)).toBe(2);
    expect(await usesOf(unguarded, code)).toEqual({ counted: 2, live: 2, returned: 0 });
    expect(await brokenPromises(unguarded)).toEqual([
      'a discount is used as often as it counts, and as it may be',
    ]);
  });

  it('the CHECK alone still keeps the last use from being used twice', async () => {
    const code = await givenDiscount(unguarded, { usage_limit: 1 });
    withoutDiscountLock();
    const answers = await buyOnBoth([buyer, await givenShopper(apps[0] as TestApp)], { discount_code: code });
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400]);
    expectRefused(answers, 'used_up');
    await expectPromisesKept(unguarded);
  });

  it('a user uses a code twice that each may use once: its row is not locked', async () => {
    const code = await givenDiscount(unguarded, { per_user_limit: 1 });
    withoutDiscountLock();
    expect(countOf(await buyOnBoth([buyer, buyer], { discount_code: code }), 201)).toBe(2);
    expect(await usesOf(unguarded, code)).toMatchObject({ live: 2 });
  });

  it('a balance is spent twice: no row lock, no CHECK', async () => {
    await givenPoints(unguarded, await givenAdminShopper(apps[0] as TestApp, unguarded), buyer, 500);
    await unguarded.sql('ALTER TABLE points_accounts DROP CONSTRAINT points_accounts_balance_check');
    withoutAccountLock();
    expect(countOf(await buyOnBoth([buyer, buyer], { redeem_points: 500 }), 201)).toBe(2);
    expect(await pointsOf(unguarded, buyer.id)).toEqual({ balance: -500, booked: -500 });
    expect(await brokenPromises(unguarded)).toEqual([
      'a balance of points is what its entries make, and not negative',
    ]);
  });

  it('the CHECK alone still keeps a balance from being spent twice', async () => {
    await givenPoints(unguarded, await givenAdminShopper(apps[0] as TestApp, unguarded), buyer, 500);
    withoutAccountLock();
    const answers = await buyOnBoth([buyer, buyer], { redeem_points: 500 });
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400]);
    await expectPromisesKept(unguarded);
  });

  /** Five cancels have looked at the order before any of them ends it. */
  async function cancelWithoutOrderLock(takeGuardsAway: () => Promise<void>): Promise<string> {
    await givenPoints(unguarded, await givenAdminShopper(apps[0] as TestApp, unguarded), buyer, 500);
    const code = await givenDiscount(unguarded);
    const { body } = await (await placeOwn(buyer, unguarded, { discount_code: code, redeem_points: 500 }))();
    await takeGuardsAway();
    const allHaveLooked = meeting(5);
    for (const { app } of apps) {
      const orders = app.get(OrderRepository);
      orders.lock = async (id, tx) => {
        const [order] = await orders.findAll([id], tx);
        await allHaveLooked();
        return order ?? null;
      };
    }
    await times(5, (index) => buyer.at(apps[index % 2] as TestApp).cancel(body.id));
    return code;
  }

  it('five cancels give back more than once: no order lock, no look at the use, no unique key', async () => {
    const returnUse = new Statement(
      'race-return-use',
      `WITH returned AS (UPDATE discount_uses SET returned_at = now() WHERE order_id = $1 RETURNING discount_id)
       UPDATE discounts d SET times_used = d.times_used - 1 FROM returned r WHERE d.id = r.discount_id`,
    );
    const giveBack = new Statement(
      'race-give-back',
      `WITH entries AS (
         INSERT INTO points_entries (user_id, delta, kind, order_id)
         SELECT user_id, -delta, 'returned', order_id FROM points_entries WHERE order_id = $1 AND kind = 'redeemed'
         RETURNING user_id, delta)
       UPDATE points_accounts a SET balance = a.balance + e.delta FROM entries e WHERE a.user_id = e.user_id`,
    );
    for (const { app } of apps) {
      app.get(DiscountRepository).returnUse = async (id, tx) => void (await returnUse.run([id], tx));
      app.get(PointsRepository).giveBack = async (id, tx) => void (await giveBack.run([id], tx));
    }
    const code = await cancelWithoutOrderLock(async () => {
      await unguarded.sql('ALTER TABLE discounts DROP CONSTRAINT discounts_times_used_check');
      await unguarded.sql('ALTER TABLE points_entries DROP CONSTRAINT points_entries_once');
    });
    expect((await usesOf(unguarded, code)).counted).toBeLessThan(0);
    expect((await pointsOf(unguarded, buyer.id)).balance).toBeGreaterThan(500);
    expect(await brokenPromises(unguarded)).toEqual(
      expect.arrayContaining([
        'a discount is used as often as it counts, and as it may be',
        'an order has its discount and its points until it comes to nothing',
      ]),
    );
  });

  it('the use and the unique key alone still give back once', async () => {
    const code = await cancelWithoutOrderLock(async () => undefined);
    expect(await usesOf(unguarded, code)).toEqual({ counted: 0, live: 0, returned: 1 });
    expect(await pointsOf(unguarded, buyer.id)).toEqual({ balance: 500, booked: 500 });
  });

  it('a paid order earns five times: no unique key', async () => {
    await unguarded.sql('ALTER TABLE points_entries DROP CONSTRAINT points_entries_once');
    const earn = new Statement(
      'race-earn',
      `WITH entries AS (
         INSERT INTO points_entries (user_id, delta, kind, order_id) VALUES ($1, $3, 'earned', $2) RETURNING user_id, delta)
       INSERT INTO points_accounts AS a (user_id, balance) SELECT user_id, delta FROM entries
       ON CONFLICT (user_id) DO UPDATE SET balance = a.balance + EXCLUDED.balance`,
    );
    for (const { app } of apps)
      app.get(PointsRepository).earn = async (userId, orderId, points, tx) =>
        void (await earn.run([userId, orderId, points], tx));
    const { body } = await (await placeOwn(buyer, unguarded, {}))();
    await earnAtOnce(apps, body.id);
    expect(await pointsOf(unguarded, buyer.id)).toEqual({ balance: 50, booked: 50 });
  });
});
