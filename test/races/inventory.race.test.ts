import { LedgerRepository } from '../../src/inventory/ledger.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { ProductRepository } from '../../src/product/product.repository.js';
import type { LockedProduct } from '../../src/product/product.types.js';
import { newOrderId, outcomesOf, times, Warehouse } from '../inventory/warehouse.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

let database: TestDatabase;
let apps: TestApp[];

// Controls leave tables behind that no guard would have let be: each test has a database of its own.
beforeEach(async () => {
  database = await cloneDatabase();
  apps = [];
});
afterEach(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});

interface Guards {
  ledger: LedgerRepository;
  products: ProductRepository;
}

/** One process of several on the database; `arrange` may take its guards away. */
async function givenWarehouse(arrange: (guards: Guards) => void = () => undefined): Promise<Warehouse> {
  const app = await bootApp(database, {}, (nest) =>
    arrange({ ledger: nest.get(LedgerRepository), products: nest.get(ProductRepository) }),
  );
  apps.push(app);
  return Warehouse.of(app, database);
}

/** Lets nobody on before all have come. */
function meeting(parties: number): () => Promise<void> {
  let here = 0;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return async () => {
    here += 1;
    if (here === parties) open();
    await opened;
  };
}

const withoutUniqueKey = () => database.sql('DROP INDEX stock_movements_once');
const withoutCheck = () => database.sql('ALTER TABLE products DROP CONSTRAINT products_stock_check');

/** The advisory lock is off, and all have read what was taken before any goes on. */
const withoutOrderLock =
  (parties: number) =>
  ({ ledger }: Guards) => {
    const allHaveRead = meeting(parties);
    const { findTaken } = ledger;
    ledger.lockOrder = async () => undefined;
    ledger.findTaken = async (orderRef, tx) => {
      const taken = await findTaken.call(ledger, orderRef, tx);
      await allHaveRead();
      return taken;
    };
  };

const look = new Statement<LockedProduct>(
  'race-look',
  'SELECT *, true AS sellable FROM products WHERE id = ANY($1::int[])',
);

/** Nobody locks the products, and all have looked before any goes on. */
const withoutProductLock =
  (parties: number) =>
  ({ products }: Guards) => {
    const allHaveLooked = meeting(parties);
    products.lockForSale = async (ids, tx) => {
      const seen = await look.run([ids], tx);
      await allHaveLooked();
      return seen;
    };
  };

describe('five simultaneous rollbacks of one order', () => {
  /** Ten, of which an order has taken four. */
  async function givenTaken(warehouse: Warehouse): Promise<{ id: number; order: string }> {
    const id = await warehouse.givenProduct(10);
    const order = newOrderId();
    await warehouse.decrement(order, [{ product_id: id, quantity: 4 }]);
    return { id, order };
  }

  it('give back once, over two processes', async () => {
    const [one, other] = [await givenWarehouse(), await givenWarehouse()];
    const { id, order } = await givenTaken(one);
    const answers = await times(5, (index) => (index % 2 ? one : other).rollback(order));
    expect(outcomesOf(answers)).toEqual(Array(5).fill('200'));
    expect(await one.ledgerOf(id)).toEqual(['taken -4', 'returned 4']);
    expect(await one.stockOf(id)).toBe(10);
  });

  it('give back once by the unique key alone', async () => {
    const { id, order } = await givenTaken(await givenWarehouse());
    const unlocked = await givenWarehouse(withoutOrderLock(5));
    const answers = await times(5, () => unlocked.rollback(order));
    expect(outcomesOf(answers)).toEqual(Array(5).fill('200'));
    expect(await unlocked.stockOf(id)).toBe(10);
  });

  it('give back once by the lock alone', async () => {
    const [one, other] = [await givenWarehouse(), await givenWarehouse()];
    const { id, order } = await givenTaken(one);
    await withoutUniqueKey();
    await times(5, (index) => (index % 2 ? one : other).rollback(order));
    expect(await one.stockOf(id)).toBe(10);
  });

  it('give back five times when both are taken away', async () => {
    const { id, order } = await givenTaken(await givenWarehouse());
    await withoutUniqueKey();
    const unguarded = await givenWarehouse(withoutOrderLock(5));
    await times(5, () => unguarded.rollback(order));
    expect(await unguarded.stockOf(id)).toBe(26);
  });
});

describe('simultaneous decrements of one order', () => {
  it('take once, over two processes', async () => {
    const [one, other] = [await givenWarehouse(), await givenWarehouse()];
    const id = await one.givenProduct(100);
    const order = newOrderId();
    const answers = await times(10, (index) =>
      (index % 2 ? one : other).decrement(order, [{ product_id: id, quantity: 3 }]),
    );
    expect(outcomesOf(answers)).toEqual(Array(10).fill('200'));
    expect(await one.ledgerOf(id)).toEqual(['taken -3']);
  });

  it('take twice without the lock and the unique key', async () => {
    const unguarded = await givenWarehouse(withoutOrderLock(2));
    await withoutUniqueKey();
    const id = await unguarded.givenProduct(100);
    const order = newOrderId();
    await times(2, () => unguarded.decrement(order, [{ product_id: id, quantity: 3 }]));
    expect(await unguarded.ledgerOf(id)).toEqual(['taken -3', 'taken -3']);
  });
});

describe('fifty simultaneous decrements of twenty pieces', () => {
  it('take exactly what is there, over two processes', async () => {
    const [one, other] = [await givenWarehouse(), await givenWarehouse()];
    const id = await one.givenProduct(20);
    const answers = await times(50, (index) =>
      (index % 2 ? one : other).decrement(newOrderId(), [{ product_id: id, quantity: 1 }]),
    );
    expect(outcomesOf(answers)).toEqual([
      ...Array(20).fill('200'),
      ...Array(30).fill('409 insufficient_stock'),
    ]);
    expect(await one.stockOf(id)).toBe(0);
    expect(await one.violations()).toEqual([]);
  });

  it('are stopped by the CHECK when nobody locks the product', async () => {
    const unlocked = await givenWarehouse(withoutProductLock(2));
    const id = await unlocked.givenProduct(20);
    const answers = await times(2, () =>
      unlocked.decrement(newOrderId(), [{ product_id: id, quantity: 15 }]),
    );
    expect(outcomesOf(answers)).toEqual(['200', '500 internal_error']);
    expect(await unlocked.stockOf(id)).toBe(5);
  });

  it('sell what is not there when the CHECK is off as well', async () => {
    const unguarded = await givenWarehouse(withoutProductLock(2));
    await withoutCheck();
    const id = await unguarded.givenProduct(20);
    const answers = await times(2, () =>
      unguarded.decrement(newOrderId(), [{ product_id: id, quantity: 15 }]),
    );
    expect(outcomesOf(answers)).toEqual(['200', '200']);
    expect(await unguarded.stockOf(id)).toBe(-10);
  });
});

describe('a decrement and its rollback at the same moment', () => {
  it('leave nothing taken, round after round', async () => {
    const [one, other] = [await givenWarehouse(), await givenWarehouse()];
    const id = await one.givenProduct(10);
    for (let round = 0; round < 20; round++) {
      const order = newOrderId();
      await Promise.all([one.decrement(order, [{ product_id: id, quantity: 1 }]), other.rollback(order)]);
      expect(await one.stockOf(id)).toBe(10);
    }
  });

  it('leave goods taken for ever when nobody locks the order', async () => {
    const unguarded = await givenWarehouse((guards) => {
      const bothHaveAsked = meeting(2);
      const { ledger } = guards;
      const { hasRollback, rememberRollback } = ledger;
      ledger.lockOrder = async () => undefined;
      ledger.hasRollback = async (orderRef, ids, tx) => {
        const known = await hasRollback.call(ledger, orderRef, ids, tx);
        await bothHaveAsked();
        return known;
      };
      ledger.rememberRollback = async (orderRef, ids, tx) => {
        await bothHaveAsked();
        await rememberRollback.call(ledger, orderRef, ids, tx);
      };
    });
    const id = await unguarded.givenProduct(10);
    const order = newOrderId();
    const answers = await Promise.all([
      unguarded.decrement(order, [{ product_id: id, quantity: 1 }]),
      unguarded.rollback(order),
    ]);
    expect(outcomesOf(answers)).toEqual(['200', '200']);
    expect(await unguarded.stockOf(id)).toBe(9);
  });
});

describe('two simultaneous adjustments made from one count', () => {
  const adjust = (warehouse: Warehouse, product_id: number, quantity: number) =>
    warehouse.post('/movements', { product_id, type: 'adjustment', quantity, expected_stock: 10 });

  it('change it once', async () => {
    const warehouse = await givenWarehouse();
    const id = await warehouse.givenProduct(10);
    const answers = await times(2, (index) => adjust(warehouse, id, 20 + index));
    expect(outcomesOf(answers)).toEqual(['201', '409 stock_changed']);
    expect(await warehouse.violations()).toEqual([]);
  });

  it('add up to a count that nobody has counted when nobody locks the product', async () => {
    const unguarded = await givenWarehouse(withoutProductLock(2));
    const id = await unguarded.givenProduct(10);
    const answers = await times(2, () => adjust(unguarded, id, 20));
    expect(outcomesOf(answers)).toEqual(['201', '201']);
    expect(await unguarded.stockOf(id)).toBe(30);
  });
});
