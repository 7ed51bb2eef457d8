import { DatabaseService } from '../../src/platform/database/database.service.js';
import { Statement, type Tx } from '../../src/platform/database/statement.js';
import { ProductNotFound } from '../../src/product/product.errors.js';
import { ProductService } from '../../src/product/product.service.js';
import type { LockedProduct } from '../../src/product/product.types.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

let database: TestDatabase;
let app: TestApp;
let products: ProductService;
let door: DatabaseService;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  products = app.app.get(ProductService);
  door = app.app.get(DatabaseService);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

async function givenProduct(stock: number, members = ''): Promise<number> {
  const [row] = await database.sql<{ id: number }>(
    `INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES (gen_random_uuid(), 'Lamp', 1000, $1, $1)
     RETURNING id`,
    [stock],
  );
  if (members) await database.sql(`UPDATE products SET ${members} WHERE id = $1`, [row!.id]);
  return row!.id;
}

async function stockOf(id: number): Promise<number> {
  return (await database.sql<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [id]))[0]!.stock;
}

const lock = (ids: number[]) => door.transaction((tx) => products.lockForSale(ids, tx));

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

describe('locking products for a sale', () => {
  it('says how each stands, by id, whatever the order asked in', async () => {
    expect(await lock([2, 1, 2])).toEqual([
      {
        id: 1,
        sku: 'LAPTOP-001',
        name: 'Laptop',
        price_minor: 129_999,
        stock: 100,
        sellable: true,
        has_variants: false,
      },
      {
        id: 2,
        sku: 'MOUSE-001',
        name: 'Mouse',
        price_minor: 2_999,
        stock: 500,
        sellable: true,
        has_variants: false,
      },
    ]);
  });

  it('leaves out what there is not', async () => {
    expect(await lock([999_999])).toEqual([]);
    expect(await lock([])).toEqual([]);
  });

  it('knows what may not be sold', async () => {
    const inactive = await givenProduct(5, 'active = false');
    const deleted = await givenProduct(5, 'deleted_at = now()');
    const parent = await givenProduct(5);
    const variant = await givenProduct(5, `parent_id = ${parent}`);
    const gone = await givenProduct(5);
    await givenProduct(5, `parent_id = ${gone}, deleted_at = now()`);
    expect(await lock([inactive, deleted, parent, variant, gone])).toMatchObject([
      { id: inactive, sellable: false },
      { id: deleted, sellable: false },
      { id: parent, sellable: true, has_variants: true },
      { id: variant, sellable: true, has_variants: false },
      { id: gone, sellable: true, has_variants: false },
    ]);
  });

  it('shows whoever has waited the stock that the one before has left', async () => {
    const id = await givenProduct(10);
    await Promise.all(
      Array.from({ length: 25 }, () =>
        door.transaction(async (tx) => {
          const [product] = await products.lockForSale([id], tx);
          if (product!.stock > 0) await products.changeStock([{ product_id: id, delta: -1 }], tx);
        }),
      ),
    );
    expect(await stockOf(id)).toBe(0);
  });

  it('oversells when it is only a look', async () => {
    const id = await givenProduct(1);
    await database.sql('ALTER TABLE products DROP CONSTRAINT products_stock_check');
    const bothHaveLooked = meeting(2);
    const sell = () =>
      door.transaction(async (tx) => {
        const product = await look.first([id], tx);
        await bothHaveLooked();
        if (product!.stock > 0) await products.changeStock([{ product_id: id, delta: -1 }], tx);
      });
    await Promise.all([sell(), sell()]);
    expect(await stockOf(id)).toBe(-1);
    await database.sql('UPDATE products SET stock = 0 WHERE id = $1', [id]);
    await database.sql('ALTER TABLE products ADD CONSTRAINT products_stock_check CHECK (stock >= 0)');
  });

  it('does not make the writing of order and cart lines wait', async () => {
    const id = await givenProduct(1);
    await door.transaction(async (tx) => {
      await products.lockForSale([id], tx);
      await door.read(keyShare, [id]);
    });
  });
});

const look = new Statement<LockedProduct>('stock-look', 'SELECT * FROM products WHERE id = $1');
// What the foreign key of an order line takes.
const keyShare = new Statement(
  'stock-key-share',
  'SELECT id FROM products WHERE id = $1 FOR KEY SHARE NOWAIT',
);
const lockOne = new Statement('stock-lock-one', 'SELECT id FROM products WHERE id = $1 FOR NO KEY UPDATE');

describe('two sales of the same two products, named in opposite order', () => {
  /** How often the database had to undo one of two simultaneous sales. */
  async function undone(sale: (ids: number[], tx: Tx) => Promise<unknown>, ids: number[]): Promise<number> {
    let runs = 0;
    const sell = (order: number[]) =>
      door.transaction((tx) => {
        runs += 1;
        return sale(order, tx);
      });
    await Promise.all([sell(ids), sell(ids.toReversed())]);
    return runs - 2;
  }

  it('never deadlock', async () => {
    const ids = [await givenProduct(1), await givenProduct(1)];
    for (let round = 0; round < 50; round++) {
      expect(await undone((order, tx) => products.lockForSale(order, tx), ids)).toBe(0);
    }
  });

  it('deadlock when each locks in the order that it was given', async () => {
    const ids = [await givenProduct(1), await givenProduct(1)];
    const bothHaveOne = meeting(2);
    const inGivenOrder = async ([first, second]: number[], tx: Tx) => {
      await lockOne.run([first], tx);
      await bothHaveOne();
      await lockOne.run([second], tx);
    };
    expect(await undone(inGivenOrder, ids)).toBe(1);
  });
});

describe('changing stock', () => {
  it('changes many at once and answers the stock after', async () => {
    const [one, other] = [await givenProduct(10), await givenProduct(20)];
    const changes = [
      { product_id: one, delta: -3 },
      { product_id: other, delta: 5 },
    ];
    const after = await door.transaction((tx) => products.changeStock(changes, tx));
    expect(after.sort((a, b) => a.product_id - b.product_id)).toEqual([
      { product_id: one, stock_after: 7, sequence: 1 },
      { product_id: other, stock_after: 25, sequence: 1 },
    ]);
  });

  it('sums what is said twice of one product', async () => {
    const id = await givenProduct(10);
    const change = { product_id: id, delta: -3 };
    const after = await door.transaction((tx) => products.changeStock([change, change], tx));
    expect(after).toEqual([{ product_id: id, stock_after: 4, sequence: 1 }]);
  });

  it('does nothing for no changes', async () => {
    expect(await door.transaction((tx) => products.changeStock([], tx))).toEqual([]);
  });

  it('leaves the version and the time of the last change alone', async () => {
    const id = await givenProduct(10);
    const text = 'SELECT version, updated_at FROM products WHERE id = $1';
    const before = await database.sql(text, [id]);
    await door.transaction((tx) => products.changeStock([{ product_id: id, delta: 1 }], tx));
    expect(await database.sql(text, [id])).toEqual(before);
  });

  it('is refused by the database below zero, with all of its transaction', async () => {
    const [short, other] = [await givenProduct(1), await givenProduct(1)];
    const changes = [
      { product_id: other, delta: 1 },
      { product_id: short, delta: -2 },
    ];
    await expect(door.transaction((tx) => products.changeStock(changes, tx))).rejects.toMatchObject({
      constraint: 'products_stock_check',
    });
    expect([await stockOf(short), await stockOf(other)]).toEqual([1, 1]);
  });
});

describe('asking whether a product may be sold', () => {
  it('is silent when it may, and says "product not found" when not', async () => {
    const require = (id: number) => door.transaction((tx) => products.requireSellable(id, tx));
    const parent = await givenProduct(5);
    await givenProduct(5, `parent_id = ${parent}`);
    await require(await givenProduct(0));
    for (const id of [
      await givenProduct(1, 'active = false'),
      await givenProduct(1, 'deleted_at = now()'),
      parent,
      999_999,
    ]) {
      await expect(require(id)).rejects.toThrow(ProductNotFound);
    }
  });
});
