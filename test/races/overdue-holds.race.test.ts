import { jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Goods, SecondLook } from '../../src/inventory/inventory.types.js';
import { OverdueHoldsRepository } from '../../src/inventory/overdue-holds.repository.js';
import { OverdueHolds } from '../../src/inventory/overdue-holds.service.js';
import { ReservationService } from '../../src/inventory/reservation.service.js';
import { OrderExpiryService } from '../../src/order/order-expiry.service.js';
import { ProductService } from '../../src/product/product.service.js';
import { type Answer, BY_HAND, Client, newRef, Tables, times } from '../inventory/holds.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenApiKey, givenCustomer } from '../support/given.js';

let database: TestDatabase;
let tables: Tables;
let apps: [TestApp, TestApp];
let warehouses: [Client, Client];
let customers: [Client, Client];

beforeAll(async () => {
  database = await cloneDatabase();
  tables = new Tables(database);
  apps = [await bootApp(database, BY_HAND), await bootApp(database, BY_HAND)];
  const { headers } = await givenApiKey(apps[0], 'inventory:read', 'inventory:write');
  warehouses = [new Client(apps[0], headers), new Client(apps[1], headers)];
  const customer = await givenCustomer(apps[0]);
  customers = [new Client(apps[0], customer.headers), new Client(apps[1], customer.headers)];
});
afterEach(() => jest.restoreAllMocks());
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});

/** Counts how often Postgres has undone a transaction of ours, for a deadlock or otherwise, from now on. */
function countingUndone(): () => number {
  const told = jest.spyOn(Logger.prototype, 'debug');
  return () =>
    told.mock.calls.filter(([message]) => String(message).includes('undone by the database')).length;
}

/** Until a transaction in this database waits for another's lock. */
async function untilSomebodyWaits(): Promise<void> {
  const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  for (let look = 0; look < 2_000; look++) if ((await database.sql(text)).length > 0) return;
  throw new Error('nobody came to wait');
}

function gate(): { open: () => void; opened: Promise<void> } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('overdue orders over the same two products', () => {
  it('make room for many at once, over two instances, without a deadlock', async () => {
    const undone = countingUndone();
    for (let round = 0; round < 5; round++) {
      const [one, other] = [await tables.product(12), await tables.product(12)];
      const both = (quantity: number) => [
        { product_id: one, quantity },
        { product_id: other, quantity },
      ];
      const placed = await times(12, (index) =>
        customers[index % 2]!.order(index % 3 ? both(1) : both(1).reverse()),
      );
      const ids = placed.map(({ body }) => body.id as string);
      await tables.runOut(ids);
      const [answers] = await Promise.all([
        times(24, (index) =>
          index < 12
            ? customers[index % 2]!.order(index % 2 ? both(1) : both(1).reverse())
            : warehouses[index % 2]!.reserve({ order_id: newRef(), items: both(1) }),
        ),
        ...apps.map((app) => app.app.get(OverdueHolds).sweep()),
      ]);
      // Twenty-four want twelve of each: twelve get both, and every overdue order has made room.
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(12);
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(12);
      expect([await tables.stock(one), await tables.stock(other)]).toEqual([0, 0]);
      for (const id of ids) expect(await tables.told(id)).toEqual(['reservation.expired']);
    }
    expect(undone()).toBe(0);
    expect(await tables.ledgerIsRight()).toBe(true);
  });

  it('never cause a refusal while somebody else is ending them', async () => {
    for (let round = 0; round < 20; round++) {
      const product_id = await tables.product(2);
      const { body } = await customers[0].order([{ product_id, quantity: 2 }]);
      await tables.runOut([body.id]);
      const [placed, reserved] = await Promise.all([
        customers[1].order([{ product_id, quantity: 1 }]),
        warehouses[0].reserve({ order_id: newRef(), items: [{ product_id, quantity: 1 }] }),
        ...apps.map((app) => app.app.get(OverdueHolds).sweep()),
      ]);
      expect([placed.status, reserved.status]).toEqual([201, 201]);
    }
  });
});

/** Guard off: who was overtaken does not know, and gives up as if there was nothing more to be had. */
function nobodyIsFaster({ app }: TestApp): void {
  const overdueHolds = app.get(OverdueHolds);
  const makeRoom = overdueHolds.makeRoom.bind(overdueHolds);
  jest.spyOn(overdueHolds, 'makeRoom').mockImplementation(async (...room) => {
    await makeRoom(...room);
    return false;
  });
}

describe('who needs goods of a hold that another instance is ending at this very moment', () => {
  /** Places an order while the hold that keeps its goods is locked and not yet ended. @returns how it is answered. */
  async function placeMeanwhile(): Promise<number> {
    const product_id = await tables.product(1);
    const { body: overdue } = await customers[0].order([{ product_id, quantity: 1 }]);
    await tables.runOut([overdue.id]);
    const [locked, mayEnd] = [gate(), gate()];
    const ender = apps[0].app.get(OrderExpiryService);
    jest.spyOn(ender, 'expire').mockImplementationOnce(async (id, tx) => {
      locked.open();
      await mayEnd.opened;
      await ender.expire(id, tx);
    });
    const ending = apps[0].app.get(OverdueHolds).sweep();
    await locked.opened;
    const placing = customers[1].order([{ product_id, quantity: 1 }]);
    await Promise.race([placing, untilSomebodyWaits()]);
    mayEnd.open();
    await ending;
    return (await placing).status;
  }

  it('waits for it and gets them', async () => {
    expect(await placeMeanwhile()).toBe(201);
  });

  it('is refused when it is not waited for', async () => {
    const ender = apps[1].app.get(OrderExpiryService);
    const lock = ender.lockOverdue.bind(ender);
    jest.spyOn(ender, 'lockOverdue').mockImplementation((ids, _, tx) => lock(ids, 'skip', tx));
    nobodyIsFaster(apps[1]);
    expect(await placeMeanwhile()).toBe(409);
  });
});

describe('who was refused for goods of a hold that is ended before it looks what kept them', () => {
  /** An order and a reservation, each for goods of a hold that another instance ends between refusal and second look. */
  async function refusedMeanwhile(looksAtStock: boolean): Promise<number[]> {
    const overdueHolds = apps[1].app.get(OverdueHolds);
    const look = looksAtStock ? overdueHolds.lookAgain.bind(overdueHolds) : lookAtHolds;
    const statuses = [];
    for (const buy of [
      (items: object[]) => customers[1].order(items),
      (items: object[]) => warehouses[1].reserve({ order_id: newRef(), items }),
    ]) {
      const product_id = await tables.product(1);
      const { body: overdue } = await customers[0].order([{ product_id, quantity: 1 }]);
      await tables.runOut([overdue.id]);
      jest.spyOn(overdueHolds, 'lookAgain').mockImplementationOnce(async (refused) => {
        await apps[0].app.get(OverdueHolds).sweep();
        return look(refused);
      });
      statuses.push((await buy([{ product_id, quantity: 1 }])).status);
    }
    return statuses;
  }

  /** Guard off: only at what overdue holds still keep, and not at what has come free. */
  async function lookAtHolds(refused: Goods[]): Promise<SecondLook> {
    const [one] = refused as [Goods];
    const kept = await database.sql(
      `SELECT FROM overdue_reservations() r JOIN stock_movements m USING (order_ref) WHERE m.product_id = $1`,
      [one.product_id],
    );
    return { worthRetrying: kept.length > 0 ? [one.product_id] : [], awaited: false };
  }

  it('gets them', async () => {
    expect(await refusedMeanwhile(true)).toEqual([201, 201]);
  });

  it('is refused when only the holds are looked at', async () => {
    expect(await refusedMeanwhile(false)).toEqual([409, 409]);
  });
});

describe('many overdue holds of one piece each, and as many who want one at once, over two instances', () => {
  const HOLDS = 20;
  type Take = (instance: number, product_id: number) => Promise<Answer>;

  async function wantAll(take: Take): Promise<Answer[]> {
    const product_id = await tables.product(HOLDS);
    await tables.givenOverdue(product_id, Array.from({ length: HOLDS }, newRef));
    const answers = await times(HOLDS, (index) => take(index % 2, product_id));
    expect(await tables.ledgerIsRight()).toBe(true);
    return answers;
  }

  it.each<[string, Take]>([
    [
      'decrements',
      (instance, product_id) =>
        warehouses[instance]!.send('POST', '/inventory/decrement', {
          order_id: newRef(),
          items: [{ product_id, quantity: 1 }],
        }),
    ],
    [
      'reservations',
      (instance, product_id) =>
        warehouses[instance]!.reserve({ order_id: newRef(), items: [{ product_id, quantity: 1 }] }),
    ],
    ['orders', (instance, product_id) => customers[instance]!.order([{ product_id, quantity: 1 }])],
    [
      'movements out',
      (instance, product_id) =>
        warehouses[instance]!.send('POST', '/inventory/movements', { product_id, type: 'out', quantity: 1 }),
    ],
  ])('are enough for all: %s', async (_, take) => {
    const refused = (await wantAll(take)).filter(({ status }) => status > 201);
    expect(refused.map(({ body }) => body)).toEqual([]);
  });

  it('are not, when all may look for the oldest of them together', async () => {
    for (const app of apps) {
      const repository = app.app.get(OverdueHoldsRepository);
      jest.spyOn(repository, 'lockRoom').mockResolvedValue();
      nobodyIsFaster(app);
    }
    const answers = await wantAll((instance, product_id) =>
      warehouses[instance]!.reserve({ order_id: newRef(), items: [{ product_id, quantity: 1 }] }),
    );
    expect(answers.filter(({ status }) => status === 409).length).toBeGreaterThan(0);
  });
});

describe('who makes room while somebody else buys the same two products', () => {
  /** The hold is on the second of two products, both of which are wanted. @returns how many transactions were undone. */
  async function makeRoomBeside(lockTogether: boolean): Promise<number> {
    const [one, other] = [await tables.product(5), await tables.product(1)];
    const both = [
      { product_id: one, quantity: 1 },
      { product_id: other, quantity: 1 },
    ];
    const { body: overdue } = await customers[0].order([{ product_id: other, quantity: 1 }]);
    await tables.runOut([overdue.id]);
    if (!lockTogether) {
      const products = apps[0].app.get(ProductService);
      const lock = products.lockForSale.bind(products);
      const locks = jest.spyOn(products, 'lockForSale');
      // Guard off: the first lock of the second try, which is over all products of both, does not happen.
      locks.mockImplementationOnce(lock).mockImplementationOnce(async () => []);
    }
    const holds = apps[0].app.get(ReservationService);
    const end = holds.end.bind(holds);
    const [ended, mayGoOn] = [gate(), gate()];
    jest.spyOn(holds, 'end').mockImplementationOnce(async (...hold) => {
      const done = await end(...hold);
      ended.open();
      await mayGoOn.opened;
      return done;
    });
    const undone = countingUndone();
    const placing = customers[0].order(both);
    await ended.opened;
    const beside = warehouses[1].reserve({ order_id: newRef(), items: both });
    await untilSomebodyWaits();
    mayGoOn.open();
    const statuses = [(await placing).status, (await beside).status];
    expect(statuses.sort()).toEqual([201, 409]);
    return undone();
  }

  it('locks the products of both together, so nobody locks the other out', async () => {
    expect(await makeRoomBeside(true)).toBe(0);
  });

  it('locks each other out when they are locked one after the other', async () => {
    expect(await makeRoomBeside(false)).toBeGreaterThan(0);
  });
});
