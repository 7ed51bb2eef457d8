import { ProductRepository } from '../../src/product/product.repository.js';
import { givenHeldLock, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { expectProblem, givenShopper, movementsOf, type Shopper } from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { freshCategory, freshSku, Merchant } from './given-catalog.js';

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;
let shopper: Shopper;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await Merchant.at(app, database);
  shopper = await givenShopper(app);
});
afterAll(async () => {
  await expectPromisesKept(database);
  await app.close();
  await database.drop();
});

const idsOf = (products: { id: number }[]) => products.map(({ id }) => id);

describe('a variant', () => {
  it('is a product of its own, with the sku, price and stock that it is given', async () => {
    const parent = await admin.product({ name: 'Shirt' });
    const wish = { sku: freshSku(), name: 'Shirt, red', price: 24.5, stock: 7, low_stock_threshold: 2 };
    expect(await admin.variant(parent.id, wish)).toEqual({
      id: expect.any(Number),
      ...wish,
      description: '',
      currency: 'USD',
      image_url: null,
      category: null,
      storefront_id: null,
      parent_id: parent.id,
      in_stock: true,
      views: 0,
      active: true,
      version: 1,
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
  });

  it('is called, described, shown and placed like its parent when nothing else is said', async () => {
    const members = {
      name: 'Shirt',
      description: 'Of cotton.',
      category: 'clothes',
      image_url: 'https://shop.example/shirt.png',
    };
    const { id } = await admin.product(members);
    expect(await admin.variant(id)).toMatchObject(members);
    expect(await admin.variant(id, { category: null, image_url: null })).toMatchObject({
      name: 'Shirt',
      category: null,
      image_url: null,
    });
  });

  it('needs a sku and a price, and knows no members that a product does not know', async () => {
    const { id } = await admin.product();
    for (const [field, value] of [
      ['sku', undefined],
      ['price', undefined],
      ['price', 0],
      ['price', 19.999],
      ['name', ''],
      ['name', null],
      ['stock', -1],
      ['parent_id', 1],
      ['storefront_id', 1],
    ] as const) {
      const answer = await admin.createVariant(id, { [field]: value });
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ field }]);
    }
  });

  it('needs a parent that is there, and is no variant itself', async () => {
    const parent = await admin.product();
    const variant = await admin.variant(parent.id);
    expectProblem(await admin.createVariant(999_999), 404, 'not_found', 'product not found');
    expectProblem(
      await admin.createVariant(variant.id),
      409,
      'variant_of_variant',
      `the product is itself a variant, of product ${parent.id}: add the variant there`,
    );
    await admin.send('DELETE', `/products/${parent.id}`);
    expectProblem(await admin.createVariant(parent.id), 404, 'not_found');
  });

  it('has a sku of its own among all products', async () => {
    const parent = await admin.product();
    expectProblem(await admin.createVariant(parent.id, { sku: parent.sku }), 409, 'sku_taken');
  });

  it('is made once for one idempotency key', async () => {
    const { id } = await admin.product();
    const members = { sku: freshSku() };
    const first = await admin.createVariant(id, members, 'variant-1');
    const again = await admin.createVariant(id, members, 'variant-1');
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expect((await admin.get(id)).variants).toHaveLength(1);
  });

  it('is one of a hundred at most', async () => {
    const { id } = await admin.product();
    await database.sql(
      `INSERT INTO products (sku, name, price_minor, stock, first_count, parent_id)
       SELECT 'MANY-' || i, 'Shirt', 100, 0, 0, $1 FROM generate_series(1, 100) AS i`,
      [id],
    );
    expectProblem(
      await admin.createVariant(id),
      409,
      'too_many_variants',
      'a product has at most 100 variants',
    );
  });

  it('can be made by admins only', async () => {
    const { id } = await admin.product();
    const body = { sku: freshSku(), price: 1 };
    expect((await shopper.send('POST', `/products/${id}/variants`, { body })).status).toBe(403);
    expect((await admin.asPublic('POST', `/products/${id}/variants`, { body })).status).toBe(401);
  });
});

describe('a product that has variants', () => {
  async function givenShirts(category = freshCategory()) {
    const parent = await admin.product({ name: 'Shirt', category, price: 50, stock: 3 });
    const red = await admin.variant(parent.id, { name: 'Red', price: 20, stock: 5 });
    const blue = await admin.variant(parent.id, { name: 'Blue', price: 30, stock: 8 });
    return { parent, red, blue, category };
  }

  it('is listed once, with its variants inline, and has the stock that they have together', async () => {
    const { parent, red, blue, category } = await givenShirts();
    const single = await admin.product({ category, stock: 2 });
    const listed = await admin.list(`?category=${category}`);
    expect(listed).toMatchObject([
      {
        id: parent.id,
        price: 50,
        stock: 13,
        in_stock: true,
        variants: [
          { id: red.id, parent_id: parent.id, stock: 5, price: 20 },
          { id: blue.id, parent_id: parent.id, stock: 8, price: 30 },
        ],
      },
      { id: single.id, stock: 2, variants: [] },
    ]);
    expect(listed[0].variants[0]).not.toHaveProperty('variants');
    expect(listed[0].variants[0]).not.toHaveProperty('low_stock_threshold');
    expect(await admin.getAsPublic(parent.id)).toEqual(listed[0]);
    expect(await admin.getAsPublic(red.id)).toEqual(listed[0].variants[0]);
    const counted = await admin.asPublic('GET', `/products?category=${category}&count=true&limit=1`);
    expect(counted.body).toMatchObject({ total: 2, products: [{ id: parent.id, stock: 13 }] });
  });

  it('is in stock while any of its variants is, whatever it has itself', async () => {
    const { parent, red, blue, category } = await givenShirts();
    await database.sql('UPDATE products SET stock = 0, first_count = 0 WHERE id = ANY($1)', [
      [red.id, blue.id],
    ]);
    expect(await admin.list(`?category=${category}&in_stock=true`)).toEqual([]);
    expect(await admin.list(`?category=${category}&in_stock=false`)).toMatchObject([
      { id: parent.id, stock: 0, in_stock: false },
    ]);
    await database.sql('UPDATE products SET stock = 1, first_count = 1 WHERE id = $1', [blue.id]);
    expect(idsOf(await admin.list(`?category=${category}&in_stock=true`))).toEqual([parent.id]);
    expect(await admin.list(`?category=${category}&in_stock=false`)).toEqual([]);
  });

  it('passes a filter of prices with the price of any variant that is shown, not with its own', async () => {
    const { parent, blue, category } = await givenShirts();
    const found = async (query: string) => idsOf(await admin.list(`?category=${category}&${query}`));
    expect(await found('max_price=20')).toEqual([parent.id]);
    expect(await found('min_price=25&max_price=30')).toEqual([parent.id]);
    expect(await found('min_price=21&max_price=29')).toEqual([]);
    expect(await found('min_price=40')).toEqual([]);
    await admin.change(blue.id, { active: false });
    expect(await found('min_price=25&max_price=30')).toEqual([]);
  });

  it('is sorted by the price that it shows', async () => {
    const { parent, category } = await givenShirts();
    const [cheap, dear] = [
      await admin.product({ category, price: 40 }),
      await admin.product({ category, price: 60 }),
    ];
    expect(idsOf(await admin.list(`?category=${category}&sort=price`))).toEqual([
      cheap.id,
      parent.id,
      dear.id,
    ]);
  });

  it('fills pages with products, not with variants', async () => {
    const { parent, category } = await givenShirts();
    const single = await admin.product({ category });
    const first = (await admin.asPublic('GET', `/products?category=${category}&limit=1`)).body;
    expect(first.products).toMatchObject([{ id: parent.id, variants: [{}, {}] }]);
    const next = (
      await admin.asPublic('GET', `/products?category=${category}&limit=1&cursor=${first.next_cursor}`)
    ).body;
    expect(next).toMatchObject({ products: [{ id: single.id }], next_cursor: null });
  });

  it('shows the public only the variants that are active, and counts only those', async () => {
    const { parent, red } = await givenShirts();
    await admin.change(red.id, { active: false });
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 8, variants: [{ name: 'Blue' }] });
    expect(await admin.get(parent.id)).toMatchObject({ stock: 8, variants: [{ name: 'Red' }, {}] });
    expectProblem(await admin.asPublic('GET', `/products/${red.id}`), 404, 'not_found');
  });

  it('takes its variants off sale with it', async () => {
    const { parent, red } = await givenShirts();
    await shopper.add(red.id);
    await admin.change(parent.id, { active: false });
    expectProblem(await admin.asPublic('GET', `/products/${red.id}`), 404, 'not_found');
    expect(await admin.get(red.id)).toMatchObject({ active: true });
    const line = { product_id: red.id, quantity: 1 };
    expectProblem(await shopper.place([line]), 409, 'product_unavailable');
    expectProblem(await shopper.send('POST', '/cart/items', { body: line }), 404, 'not_found');
    expect((await shopper.send('GET', '/cart')).body.items).toMatchObject([{ available: false }]);
    await shopper.send('DELETE', '/cart');
    await admin.change(parent.id, { active: true });
    expect((await shopper.place([line])).status).toBe(201);
  });

  it('is not sold itself: neither ordered, nor put into a cart, nor free for others', async () => {
    const { parent, red } = await givenShirts();
    const line = { product_id: parent.id, quantity: 1 };
    expectProblem(await shopper.place([line]), 409, 'product_unavailable');
    expectProblem(
      await shopper.send('POST', '/cart/items', { body: line }),
      404,
      'not_found',
      'product not found',
    );
    const { body } = await admin.asPublic('POST', '/inventory/check', {
      body: { items: [line, { product_id: red.id, quantity: 5 }] },
    });
    expect(body.items).toMatchObject([
      { available_quantity: 0, is_available: false },
      { available_quantity: 5, is_available: true },
    ]);
  });

  it('keeps stock of its own in the ledger, uncounted, until its last variant is gone', async () => {
    const parent = await admin.product({ stock: 3 });
    const variant = await admin.variant(parent.id);
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 0, in_stock: false });
    await admin.send('DELETE', `/products/${variant.id}`);
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 3, variants: [] });
    expect((await shopper.place([{ product_id: parent.id, quantity: 3 }])).status).toBe(201);
    expect(await movementsOf(database, parent.id)).toMatchObject([{ delta: -3, stock_after: 0 }]);
  });

  it('lies in a cart since before as not available', async () => {
    const buyer = await givenShopper(app);
    const parent = await admin.product({ stock: 3 });
    await buyer.add(parent.id);
    await admin.variant(parent.id, { stock: 3 });
    expect((await buyer.send('GET', '/cart')).body.items).toMatchObject([
      { product_id: parent.id, available: false },
    ]);
    expectProblem(await buyer.checkout(), 409, 'product_unavailable');
  });

  it('takes its variants with it when it is deleted; their skus are free again', async () => {
    const { parent, red, blue, category } = await givenShirts();
    const { body: order } = await shopper.place([{ product_id: red.id, quantity: 1 }]);
    expect((await admin.send('DELETE', `/products/${parent.id}`)).status).toBe(204);
    for (const { id } of [parent, red, blue])
      expectProblem(await admin.send('GET', `/products/${id}`), 404, 'not_found');
    expect(await admin.list(`?category=${category}`)).toEqual([]);
    expect((await shopper.get(order.id)).body.items).toMatchObject([{ product_id: red.id, sku: red.sku }]);
    expect((await shopper.cancel(order.id)).status).toBe(200);
    await admin.product({ sku: red.sku });
  });

  it('stays when one of its variants is deleted', async () => {
    const { parent, red, blue } = await givenShirts();
    expect((await admin.send('DELETE', `/products/${red.id}`)).status).toBe(204);
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 8, variants: [{ id: blue.id }] });
  });

  it('shows goods that an overdue hold keeps of a variant as its own', async () => {
    const { parent, red } = await givenShirts();
    const order = await shopper.order([{ product_id: red.id, quantity: 5 }]);
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 8 });
    await database.sql(
      `UPDATE reservations SET expires_at = now() - interval '1 second' WHERE order_id = $1`,
      [order.id],
    );
    expect(await admin.getAsPublic(parent.id)).toMatchObject({ stock: 13, variants: [{ stock: 5 }, {}] });
  });
});

describe('a parent that is being deleted', () => {
  const livingVariantsOf = (id: number) =>
    database.sql('SELECT id FROM products WHERE parent_id = $1 AND deleted_at IS NULL', [id]);

  it('leaves no variant behind that is made in the same moment', async () => {
    const { id } = await admin.product();
    const held = await givenHeldLock(database, 'SELECT FROM products WHERE id = $1 FOR UPDATE', [id]);
    const making = admin.createVariant(id);
    await untilWaiting(database);
    const deleting = admin.send('DELETE', `/products/${id}`);
    await untilWaiting(database, 2);
    await held.release();
    expect([(await making).status, (await deleting).status]).toEqual([201, 204]);
    expect(await livingVariantsOf(id)).toEqual([]);
  });

  it('(control) leaves one behind when its row is only looked at', async () => {
    const { id } = await admin.product();
    const unguarded = await bootApp(database, {}, (nest) => {
      const repository = nest.get(ProductRepository);
      repository.lock = async (ids, tx) => {
        const parents = await repository.find(ids, tx);
        expect((await admin.send('DELETE', `/products/${id}`)).status).toBe(204);
        return parents;
      };
    });
    const merchant = await Merchant.at(unguarded, database);
    expect((await merchant.createVariant(id)).status).toBe(201);
    expect(await livingVariantsOf(id)).toHaveLength(1);
    await database.sql('UPDATE products SET deleted_at = now() WHERE parent_id = $1', [id]);
    await unguarded.close();
  });
});
