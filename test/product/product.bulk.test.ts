import { ProductRepository } from '../../src/product/product.repository.js';
import { givenHeldLock, meeting, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { expectProblem, givenShopper } from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { freshSku, Merchant, mustBe } from './given-catalog.js';
import { FAULTS } from './product.faults.js';

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await Merchant.at(app, database);
});
afterAll(async () => {
  await expectPromisesKept(database);
  await app.close();
  await database.drop();
});

const send = (operations: unknown, key?: string, merchant = admin) =>
  merchant.send('POST', '/products/bulk', { body: { operations }, key });
const apply = async (...operations: unknown[]): Promise<any[]> => mustBe(200, await send(operations)).results;
const creation = (members: object = {}) => ({
  op: 'create',
  sku: freshSku(),
  name: 'Lamp',
  price: 19.9,
  ...members,
});
const livingWith = (sku: string) =>
  database.sql('SELECT id, version FROM products WHERE sku = $1 AND deleted_at IS NULL', [sku]);

describe('many operations in one call', () => {
  it('are each done and answered as if they were alone', async () => {
    const [one, other] = [await admin.product(), await admin.product()];
    const wish = creation({ stock: 7, category: 'light' });
    const results = await apply(
      wish,
      { op: 'update', id: one.id, price: 25, version: 1 },
      { op: 'delete', id: other.id },
    );
    expect(results).toEqual([
      { index: 0, status: 201, id: expect.any(Number) },
      { index: 1, status: 200, id: one.id },
      { index: 2, status: 204, id: other.id },
    ]);
    const { op: _, ...members } = wish;
    expect(await admin.get(results[0].id)).toMatchObject({ ...members, version: 1, in_stock: true });
    expect(await admin.get(one.id)).toMatchObject({ price: 25, version: 2 });
    expect((await admin.send('GET', `/products/${other.id}`)).status).toBe(404);
  });

  it('take the first count of new stock down, so that the ledger adds up', async () => {
    const [{ id }] = await apply(creation({ stock: 12 }));
    expect(await database.sql('SELECT stock, first_count FROM products WHERE id = $1', [id])).toEqual([
      { stock: 12, first_count: 12 },
    ]);
  });

  it('do not stop each other when some are refused', async () => {
    const [product, gone] = [await admin.product(), await admin.product()];
    await admin.send('DELETE', `/products/${gone.id}`);
    const results = await apply(
      creation({ price: 0 }),
      creation({ sku: product.sku }),
      creation({ storefront_id: 999_999 }),
      creation({ price: 9.999 }),
      { op: 'update', id: product.id, version: 7, name: 'Late' },
      { op: 'update', id: gone.id, name: 'Gone' },
      { op: 'update', id: product.id, stock: 5 },
      { op: 'update', id: 999_999 },
      { op: 'delete', id: gone.id },
      { op: 'update', id: product.id, name: 'Good' },
      creation(),
    );
    expect(results.map(({ status, code }) => [status, code])).toEqual([
      [400, 'validation_failed'],
      [409, 'sku_taken'],
      [404, 'not_found'],
      [400, 'validation_failed'],
      [409, 'version_conflict'],
      [404, 'not_found'],
      [400, 'validation_failed'],
      [404, 'not_found'],
      [404, 'not_found'],
      [200, undefined],
      [201, undefined],
    ]);
    expect(results.map(({ index }) => index)).toEqual([...results.keys()]);
    expect(results[0].error).toBe('price must be a number greater than 0 and at most 1000000000');
    expect(results[2].error).toBe('storefront not found');
    expect(results[4]).toEqual({
      index: 4,
      status: 409,
      id: product.id,
      code: 'version_conflict',
      error: 'the product has version 1 now, not 7; read it again',
    });
    expect(results[6].error).toBe('stock changes only through inventory');
    expect(await admin.get(product.id)).toMatchObject({ name: 'Good', version: 2 });
  });

  it.each(FAULTS)('refuse %s = %j as the single routes do', async (field, value) => {
    const { id } = await admin.product();
    const results = await apply(
      creation({ [field]: value }),
      field === 'id' ? { op: 'delete', id: 'x' } : { op: 'update', id, [field]: value },
    );
    for (const result of results) {
      expect(result).toMatchObject({ status: 400, code: 'validation_failed' });
      expect(result.error).toContain(field);
    }
  });

  it.each([
    null,
    5,
    'create',
    [],
    {},
    { op: 'upsert', id: 1 },
    { op: 'delete' },
    { op: 'delete', id: 0 },
    { op: 'delete', id: 1.5 },
    { op: 'delete', id: 2 ** 31 },
    { op: 'delete', id: 1, force: true },
    { op: 'update', name: 'Lamp' },
    { op: 'create' },
    { op: 'constructor' },
  ])('refuse %j, and only that', async (operation) => {
    const results = await apply(operation, creation());
    expect(results).toMatchObject([
      { index: 0, status: 400, code: 'validation_failed', error: expect.any(String) },
      { index: 1, status: 201 },
    ]);
  });

  it.each([{}, { operations: [] }, { operations: {} }, { operations: null }, { operations: [{}], more: 1 }])(
    'are refused as a whole when the call is %j',
    async (body) => {
      expectProblem(await admin.send('POST', '/products/bulk', { body }), 400, 'validation_failed');
    },
  );

  it('are a thousand at most', async () => {
    expectProblem(await send(Array(1_001).fill({ op: 'delete', id: 999_999 })), 400, 'validation_failed');
    const results = await apply(...Array.from({ length: 1_000 }, () => creation()));
    expect(results.every(({ status }) => status === 201)).toBe(true);
    expect(new Set(results.map(({ id }) => id)).size).toBe(1_000);
  });

  it('are for admins only', async () => {
    const shopper = await givenShopper(app);
    const body = { operations: [creation()] };
    expect((await shopper.send('POST', '/products/bulk', { body })).status).toBe(403);
    expect((await admin.asPublic('POST', '/products/bulk', { body })).status).toBe(401);
  });

  it('are done once for one idempotency key, refusals among them', async () => {
    const operations = [creation(), creation({ price: -1 })];
    const first = await send(operations, 'bulk-1');
    const again = await send(operations, 'bulk-1');
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await livingWith(operations[0]!.sku)).toHaveLength(1);
    expectProblem(await send([creation()], 'bulk-1'), 422, 'idempotency_key_reused');
  });
});

describe('operations that build on each other', () => {
  it('are done in the order given', async () => {
    const product = await admin.product();
    const results = await apply(
      { op: 'update', id: product.id, name: 'One', version: 1 },
      { op: 'update', id: product.id, name: 'Two', version: 2 },
      { op: 'update', id: product.id, name: 'Late', version: 1 },
      { op: 'update', id: product.id, name: 'Two' },
      { op: 'delete', id: product.id },
      { op: 'update', id: product.id, name: 'Gone' },
      { op: 'delete', id: product.id },
      { op: 'delete', id: product.id },
      creation({ sku: product.sku }),
      creation({ sku: product.sku }),
    );
    expect(results.map(({ status }) => status)).toEqual([200, 200, 409, 200, 204, 404, 404, 404, 201, 409]);
    const row = await database.sql('SELECT name, version FROM products WHERE id = $1', [product.id]);
    expect(row).toEqual([{ name: 'Two', version: 4 }]);
    expect(await livingWith(product.sku)).toMatchObject([{ version: 1 }]);
  });

  it('give a sku to the first that asks for it, and again when it is free', async () => {
    const [one, other] = [await admin.product(), await admin.product()];
    const fresh = freshSku();
    const results = await apply(
      creation({ sku: fresh }),
      creation({ sku: fresh }),
      { op: 'update', id: one.id, sku: fresh },
      { op: 'update', id: one.id, sku: other.sku },
      { op: 'update', id: other.id, sku: freshSku() },
      { op: 'update', id: one.id, sku: other.sku },
      creation({ sku: one.sku }),
    );
    expect(results.map(({ status, code }) => code ?? status)).toEqual([
      201,
      'sku_taken',
      'sku_taken',
      'sku_taken',
      200,
      200,
      201,
    ]);
    expect(results[3].error).toBe(`the sku ${other.sku} is already taken`);
    expect(await livingWith(other.sku)).toMatchObject([{ id: one.id }]);
  });

  it('know the same sku in two storefronts from each other', async () => {
    const storefront = mustBe(
      201,
      await admin.send('POST', '/admin/storefronts', { body: { name: 'Lamps' } }),
    );
    const sku = freshSku();
    const results = await apply(
      creation({ sku, storefront_id: storefront.id }),
      creation({ sku }),
      creation({ sku, storefront_id: storefront.id }),
    );
    expect(results.map(({ status }) => status)).toEqual([201, 201, 409]);
    const moved = await apply({ op: 'update', id: results[1].id, storefront_id: storefront.id });
    expect(moved).toMatchObject([{ status: 409, code: 'sku_taken' }]);
  });

  it('delete variants with their parent, and move them with it', async () => {
    const storefront = mustBe(
      201,
      await admin.send('POST', '/admin/storefronts', { body: { name: 'Lamps' } }),
    );
    const parent = await admin.product();
    const [one, other] = [await admin.variant(parent.id), await admin.variant(parent.id)];
    const results = await apply(
      { op: 'update', id: parent.id, storefront_id: storefront.id },
      { op: 'update', id: one.id, storefront_id: null },
      { op: 'update', id: one.id, version: 2, price: 5 },
      { op: 'delete', id: one.id },
      { op: 'delete', id: parent.id },
      { op: 'delete', id: other.id },
    );
    expect(results.map(({ status }) => status)).toEqual([200, 400, 200, 204, 204, 404]);
  });
});

describe('many changes at once', () => {
  it('leave the books right while the same products are sold', async () => {
    const products = await times(6, () => admin.product({ stock: 30 }));
    const ids: number[] = products.map(({ id }) => id);
    const shoppers = await times(8, () => givenShopper(app));
    const buy = shoppers.map(async (shopper, index) => {
      const statuses = [];
      for (let round = 0; round < 6; round++) {
        const items = [0, 1, 2].map((step) => ({
          product_id: ids[(index + round + step) % ids.length] as number,
          quantity: 1,
        }));
        statuses.push((await shopper.place(index % 2 ? items : items.toReversed())).status);
      }
      return statuses;
    });
    const changing = (async () => {
      for (let round = 0; round < 5; round++) {
        const updates = ids.map((id) => ({ op: 'update', id, price: 10 + round, sku: freshSku() }));
        const results = await apply(...(round % 2 ? updates : updates.toReversed()));
        expect(results.every(({ status }) => status === 200)).toBe(true);
      }
      expect((await apply({ op: 'delete', id: ids[5] }))[0].status).toBe(204);
    })();
    const statuses = (await Promise.all(buy)).flat();
    await changing;
    expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
    expect(statuses).toContain(201);
    const [{ sold }] = (await database.sql(
      'SELECT sum(quantity)::int AS sold FROM order_lines WHERE product_id = ANY($1)',
      [ids],
    )) as [{ sold: number }];
    const [{ left }] = (await database.sql(
      'SELECT sum(stock)::int AS left FROM products WHERE id = ANY($1)',
      [ids],
    )) as [{ left: number }];
    expect(sold + left).toBe(6 * 30);
  });

  it('wait for a sale that is under way, and lose nothing', async () => {
    const { id } = await admin.product({ stock: 5 });
    const held = await givenHeldLock(database, 'SELECT FROM products WHERE id = $1 FOR UPDATE', [id]);
    const buying = (await givenShopper(app)).place([{ product_id: id, quantity: 2 }]);
    await untilWaiting(database);
    const deleting = apply({ op: 'delete', id });
    await untilWaiting(database, 2);
    await held.release();
    expect([(await buying).status, (await deleting)[0].status]).toEqual([201, 204]);
  });
});

describe('two calls that name the same products in opposite order', () => {
  /** How often the database had to undo one of the two. */
  async function undone(arrange: (repository: ProductRepository) => void, rounds: number): Promise<number> {
    let runs = 0;
    const own = await bootApp(database, {}, (nest) => {
      const repository = nest.get(ProductRepository);
      arrange(repository);
      const lockFamilies = repository.lockFamilies.bind(repository);
      repository.lockFamilies = async (ids, tx) => {
        if (ids.length > 1) runs += 1;
        return lockFamilies(ids, tx);
      };
    });
    const merchant = await Merchant.at(own, database);
    const ids = (await times(2, () => admin.product())).map(({ id }) => id);
    for (let round = 0; round < rounds; round++) {
      // Changes of skus are done one by one.
      const renaming = (order: number[]) =>
        send(
          order.map((id) => ({ op: 'update', id, sku: freshSku() })),
          undefined,
          merchant,
        );
      for (const answer of await Promise.all([renaming(ids), renaming(ids.toReversed())]))
        expect(mustBe(200, answer).results).toMatchObject([{ status: 200 }, { status: 200 }]);
    }
    await own.close();
    return runs - 2 * rounds;
  }

  it('never deadlock', async () => {
    expect(await undone(() => undefined, 10)).toBe(0);
  });

  it('(control) deadlock when they are not locked beforehand', async () => {
    const bothHaveOne = meeting(2);
    const unlocked = (repository: ProductRepository) => {
      repository.lockFamilies = async () => [];
      const change = repository.change.bind(repository);
      repository.change = async (wishes, tx) => {
        const changed = await change(wishes, tx);
        await bothHaveOne();
        return changed;
      };
    };
    expect(await undone(unlocked, 1)).toBe(1);
  });
});
