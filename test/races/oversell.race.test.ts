import { PlacementService } from '../../src/order/placement/placement.service.js';
import { sqlStateOf } from '../../src/platform/database/database.errors.js';
import { Statement, type Tx } from '../../src/platform/database/statement.js';
import { ProductRepository } from '../../src/product/product.repository.js';
import type { LockedProduct } from '../../src/product/product.types.js';
import { meeting, times } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import {
  type Answer,
  countOf,
  givenProduct,
  givenShopper,
  movementsOf,
  Shopper,
  stockOf,
} from '../support/given-shop.js';
import { brokenPromises, expectPromisesKept } from '../support/promises.js';

let database: TestDatabase;
let one: TestApp;
let other: TestApp;
let ada: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  [one, other] = await Promise.all([bootApp(database), bootApp(database)]);
  ada = await givenShopper(one);
});
afterAll(async () => {
  await Promise.all([one.close(), other.close()]);
  await database.drop();
});

/** Notes from now on why a lock was not had. */
function noteFaults(repository: ProductRepository): unknown[] {
  const faults: unknown[] = [];
  const lockForSale = repository.lockForSale.bind(repository);
  repository.lockForSale = async (ids, tx) => {
    try {
      return await lockForSale(ids, tx);
    } catch (fault) {
      faults.push(fault);
      throw fault;
    }
  };
  return faults;
}

/** Every second buyer is served by the other instance. */
const anywhere = (index: number): Shopper => ada.at(index % 2 ? one : other);

async function expectSold(productId: number, answers: Answer[], units: number): Promise<void> {
  const sold = answers.filter(({ status }) => status === 201);
  expect(sold).toHaveLength(units);
  for (const { status, body, headers } of answers) {
    if (status === 201) continue;
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'insufficient_stock' });
    expect(headers['retry-after']).toBeUndefined();
  }
  const takings = await movementsOf(database, productId);
  expect(takings.map(({ order_ref }) => order_ref).sort()).toEqual(sold.map(({ body }) => body.id).sort());
  await expectPromisesKept(database);
}

describe('simultaneous buyers', () => {
  it('of whom there are five hundred buy exactly the hundred units that there are', async () => {
    const product_id = await givenProduct(database, { stock: 100 });
    const answers = await times(500, (index) => anywhere(index).place([{ product_id, quantity: 1 }]));
    expect(countOf(answers, 409)).toBe(400);
    expect(await stockOf(database, product_id)).toBe(0);
    await expectSold(product_id, answers, 100);
  });

  it('of whom there are fifty buy the last unit once', async () => {
    const product_id = await givenProduct(database, { stock: 1 });
    const answers = await times(50, (index) => anywhere(index).place([{ product_id, quantity: 1 }]));
    expect(countOf(answers, 409)).toBe(49);
    expect(await stockOf(database, product_id)).toBe(0);
    await expectSold(product_id, answers, 1);
  });

  it('of whom there are ten buy five units; five get one and five are refused', async () => {
    const product_id = await givenProduct(database, { stock: 5 });
    const answers = await times(10, (index) => anywhere(index).place([{ product_id, quantity: 1 }]));
    expect(countOf(answers, 409)).toBe(5);
    expect(await stockOf(database, product_id)).toBe(0);
    await expectSold(product_id, answers, 5);
  });

  it('who want more than one unit never share what is left', async () => {
    const product_id = await givenProduct(database, { stock: 10 });
    const answers = await times(20, (index) => anywhere(index).place([{ product_id, quantity: 3 }]));
    expect(await stockOf(database, product_id)).toBe(1);
    await expectSold(product_id, answers, 3);
  });

  it('who name one product on two lines get the sum of both or nothing', async () => {
    const product_id = await givenProduct(database, { stock: 5 });
    const twice = [
      { product_id, quantity: 1 },
      { product_id, quantity: 1 },
    ];
    const answers = await times(10, (index) => anywhere(index).place(twice));
    expect(await stockOf(database, product_id)).toBe(1);
    await expectSold(product_id, answers, 2);
  });
});

describe('orders for two products, named in opposite order', () => {
  it('all succeed while stock lasts, and none meets a deadlock', async () => {
    const met = [one, other].map((app) => noteFaults(app.app.get(ProductRepository)));
    const [first, second] = [await givenProduct(database), await givenProduct(database)];
    const there = [first, second].map((product_id) => ({ product_id, quantity: 1 }));
    const back = there.toReversed();
    const answers = await times(60, (index) => anywhere(index).place(index % 4 < 2 ? there : back));
    expect(countOf(answers, 201)).toBe(60);
    expect([await stockOf(database, first), await stockOf(database, second)]).toEqual([40, 40]);
    expect(met).toEqual([[], []]);
    await expectPromisesKept(database);
  });
});

/** Reads what a sale locks, and locks nothing. */
const readForSale = new Statement<LockedProduct>(
  'race-read-for-sale',
  `SELECT id, sku, name, price_minor, stock, true AS sellable, false AS has_variants
   FROM products WHERE id = ANY($1::int[]) ORDER BY id`,
);
const lockOne = new Statement<LockedProduct>(
  'race-lock-one',
  `SELECT id, sku, name, price_minor, stock, true AS sellable, false AS has_variants
   FROM products WHERE id = $1 FOR NO KEY UPDATE`,
);

describe('with a guard taken away', () => {
  let unguarded: TestDatabase;
  let apps: TestApp[];
  let buyer: Shopper;

  beforeEach(async () => {
    unguarded = await cloneDatabase();
    // The default second is there for production: here every deadlock is meant.
    await unguarded.sql(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''50ms''', current_database()); END $$`,
    );
    apps = await times(2, () => bootApp(unguarded));
    buyer = await givenShopper(apps[0] as TestApp);
  });
  afterEach(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await unguarded.drop();
  });

  const repositories = () => apps.map(({ app }) => app.get(ProductRepository));
  const buyLast = (product_id: number) =>
    Promise.all(apps.map((app) => buyer.at(app).place([{ product_id, quantity: 1 }])));

  it('the last unit is sold twice: no row lock, no CHECK', async () => {
    await unguarded.sql('ALTER TABLE products DROP CONSTRAINT products_stock_check');
    const bothHaveRead = meeting(2);
    for (const repository of repositories()) {
      repository.lockForSale = async (ids, tx) => {
        const products = await readForSale.run([ids], tx);
        await bothHaveRead();
        return products;
      };
    }
    const product_id = await givenProduct(unguarded, { stock: 1 });
    expect(countOf(await buyLast(product_id), 201)).toBe(2);
    expect(await stockOf(unguarded, product_id)).toBe(-1);
    expect(await brokenPromises(unguarded)).toEqual([
      'stock is never negative',
      'every ledger row follows from the one before',
    ]);
  });

  it('the CHECK alone still keeps the last unit from being sold twice', async () => {
    const bothHaveRead = meeting(2);
    for (const repository of repositories()) {
      repository.lockForSale = async (ids, tx) => {
        const products = await readForSale.run([ids], tx);
        await bothHaveRead();
        return products;
      };
    }
    const product_id = await givenProduct(unguarded, { stock: 1 });
    const answers = await buyLast(product_id);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(await stockOf(unguarded, product_id)).toBe(0);
    await expectPromisesKept(unguarded);
  });

  it('opposite orders deadlock: products locked as they are named', async () => {
    const bothHaveOne = meeting(2);
    const met: (string | undefined)[] = [];
    const lockNext = (id: number, tx: Tx) =>
      lockOne.run([id], tx).catch((fault) => {
        met.push(sqlStateOf(fault));
        throw fault;
      });
    for (const repository of repositories()) {
      repository.lockForSale = async (ids, tx) => {
        const products: LockedProduct[] = [];
        for (const id of ids) {
          products.push(...(await lockNext(id, tx)));
          await bothHaveOne();
        }
        return products.toSorted((a, b) => a.id - b.id);
      };
    }
    const [first, second] = [await givenProduct(unguarded), await givenProduct(unguarded)];
    const there = [first, second].map((product_id) => ({ product_id, quantity: 1 }));
    const answers = await Promise.all([
      buyer.at(apps[0] as TestApp).place(there),
      buyer.at(apps[1] as TestApp).place(there.toReversed()),
    ]);
    expect(met).toEqual(['40P01']);
    // The transaction door runs the loser again, so that even this deadlock reaches no client.
    expect(countOf(answers, 201)).toBe(2);
    await expectPromisesKept(unguarded);
  });

  it('one product on two lines is oversold: lines not summed, no unique keys, no CHECK', async () => {
    await unguarded.sql('ALTER TABLE products DROP CONSTRAINT products_stock_check');
    await unguarded.sql('ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_stock_after_check');
    await unguarded.sql('ALTER TABLE order_lines DROP CONSTRAINT order_lines_pkey CASCADE');
    await unguarded.sql('DROP INDEX stock_movements_once');
    const placement = (apps[0] as TestApp).app.get(PlacementService);
    const place = placement.place.bind(placement);
    placement.place = (request) =>
      place({ ...request, lines: request.lines.flatMap((line) => [line, line]) });
    const product_id = await givenProduct(unguarded, { stock: 5 });
    expect((await buyer.place([{ product_id, quantity: 3 }])).status).toBe(201);
    expect(await stockOf(unguarded, product_id)).toBe(-1);
    expect(await brokenPromises(unguarded)).toContain('stock is never negative');
  });
});
