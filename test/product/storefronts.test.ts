import { StorefrontRepository } from '../../src/storefront/storefront.repository.js';
import { givenHeldLock, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { expectProblem, givenShopper } from '../support/given-shop.js';
import { freshSku, Merchant, mustBe } from './given-catalog.js';

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database);
  admin = await Merchant.at(app, database);
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

const open = (body: object = { name: 'Lamps' }, key?: string) =>
  admin.send('POST', '/admin/storefronts', { body, key });
const givenStorefront = async (): Promise<number> => mustBe(201, await open()).id;
const close = (id: number) => admin.send('DELETE', `/admin/storefronts/${id}`);
const idsOf = (products: { id: number }[]) => products.map(({ id }) => id);

describe('a storefront', () => {
  it('is opened by an admin and seen by everybody', async () => {
    const { status, body } = await open({ name: ' Lamps of Lapland ', description: 'Light.\nAnd warmth.' });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: 'Lamps of Lapland',
      description: 'Light.\nAnd warmth.',
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    for (const path of ['/storefronts', '/admin/storefronts'])
      expect((await admin.send('GET', `${path}/${body.id}`)).body).toEqual(body);
    expect((await admin.asPublic('GET', `/storefronts/${body.id}`)).body).toEqual(body);
  });

  it('is opened once for one idempotency key', async () => {
    const first = await open({ name: 'Once' }, 'storefront-1');
    const again = await open({ name: 'Once' }, 'storefront-1');
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body).toEqual(first.body);
    expectProblem(await open({ name: 'Twice' }, 'storefront-1'), 422, 'idempotency_key_reused');
  });

  it.each([
    ['name', ''],
    ['name', '  '],
    ['name', 'x'.repeat(201)],
    ['name', null],
    ['description', null],
    ['description', 'x'.repeat(10_001)],
    ['owner', 'me'],
  ])('is refused with %s = %j', async (field, value) => {
    const id = await givenStorefront();
    for (const answer of [
      await open({ name: 'Lamps', [field]: value }),
      await admin.send('PATCH', `/admin/storefronts/${id}`, { body: { [field]: value } }),
    ]) {
      expectProblem(answer, 400, 'validation_failed');
      expect(answer.body.errors).toMatchObject([{ field }]);
    }
  });

  it('is changed where it is named, and keeps the rest', async () => {
    const { id } = mustBe(201, await open({ name: 'Lamps', description: 'Light.' }));
    const { body } = await admin.send('PATCH', `/admin/storefronts/${id}`, { body: { name: 'Candles' } });
    expect(body).toMatchObject({ id, name: 'Candles', description: 'Light.' });
    expect((await admin.send('PATCH', `/admin/storefronts/${id}`, { body: {} })).body).toMatchObject({
      name: 'Candles',
    });
  });

  it('is listed by id, a page at a time', async () => {
    const before = mustBe(200, await admin.asPublic('GET', '/storefronts?count=true&limit=1')).total;
    const made = [await givenStorefront(), await givenStorefront(), await givenStorefront()];
    const seen: number[] = [];
    let cursor = '';
    do {
      const { body } = await admin.asPublic('GET', `/storefronts?limit=2${cursor}`);
      seen.push(...idsOf(body.storefronts));
      cursor = body.next_cursor && `&cursor=${body.next_cursor}`;
    } while (cursor);
    expect(seen.slice(-3)).toEqual(made);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect((await admin.send('GET', '/admin/storefronts?count=true')).body.total).toBe(before + 3);
    expectProblem(await admin.asPublic('GET', '/storefronts?limit=0'), 400, 'validation_failed');
  });

  it('is not there when it never was, or is deleted', async () => {
    const id = await givenStorefront();
    expect((await close(id)).status).toBe(204);
    for (const unknown of [id, 999_999]) {
      expectProblem(await admin.asPublic('GET', `/storefronts/${unknown}`), 404, 'not_found');
      expectProblem(
        await admin.send('PATCH', `/admin/storefronts/${unknown}`, { body: {} }),
        404,
        'not_found',
      );
      expectProblem(await close(unknown), 404, 'not_found', 'storefront not found');
    }
    expectProblem(await admin.asPublic('GET', '/storefronts/abc'), 400, 'validation_failed');
    expect(idsOf((await admin.asPublic('GET', '/storefronts?limit=100')).body.storefronts)).not.toContain(id);
  });

  it('is managed by admins only', async () => {
    const shopper = await givenShopper(app);
    const id = await givenStorefront();
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['GET', `/${id}`],
      ['PATCH', `/${id}`],
      ['DELETE', `/${id}`],
    ] as const) {
      const wish = method === 'POST' ? { body: { name: 'Mine' } } : {};
      expect((await shopper.send(method, `/admin/storefronts${path}`, wish)).status).toBe(403);
      expect((await admin.asPublic(method, `/admin/storefronts${path}`, wish)).status).toBe(401);
    }
  });
});

describe('the products of a storefront', () => {
  it('are found by it', async () => {
    const [one, other] = [await givenStorefront(), await givenStorefront()];
    const lamp = await admin.product({ storefront_id: one });
    expect(lamp.storefront_id).toBe(one);
    const candle = await admin.product({ storefront_id: other });
    expect(idsOf(await admin.list(`?storefront_id=${one}`))).toEqual([lamp.id]);
    expect(idsOf(await admin.list(`?storefront_id=${other}&max_price=20`))).toEqual([candle.id]);
    expect(await admin.list('?storefront_id=999999')).toEqual([]);
  });

  it('are nowhere when it is not there', async () => {
    const id = await givenStorefront();
    await close(id);
    const product = await admin.product();
    for (const storefront_id of [id, 999_999]) {
      expectProblem(await admin.create({ storefront_id }), 404, 'not_found', 'storefront not found');
      expectProblem(
        await admin.change(product.id, { storefront_id }),
        404,
        'not_found',
        'storefront not found',
      );
    }
  });

  it('have skus of their own within it, and those of none among themselves', async () => {
    const [one, other] = [await givenStorefront(), await givenStorefront()];
    const sku = freshSku();
    for (const storefront_id of [null, one, other]) {
      await admin.product({ sku, storefront_id });
      expectProblem(
        await admin.create({ sku, storefront_id }),
        409,
        'sku_taken',
        `the sku ${sku} is already taken`,
      );
    }
  });

  it('move elsewhere, unless their sku is taken there', async () => {
    const [one, other] = [await givenStorefront(), await givenStorefront()];
    const product = await admin.product({ storefront_id: one });
    await admin.product({ sku: product.sku, storefront_id: other });
    expectProblem(
      await admin.change(product.id, { storefront_id: other }),
      409,
      'sku_taken',
      `the sku ${product.sku} is already taken`,
    );
    expect((await admin.change(product.id, { storefront_id: null })).body).toMatchObject({
      storefront_id: null,
      version: 2,
    });
    expect((await admin.change(product.id, { storefront_id: null, version: 2 })).body.version).toBe(2);
    expectProblem(
      await admin.change(product.id, { storefront_id: one, version: 1 }),
      409,
      'version_conflict',
    );
  });

  it('take their variants along, which do not go anywhere alone', async () => {
    const [one, other] = [await givenStorefront(), await givenStorefront()];
    const parent = await admin.product({ storefront_id: one });
    const variant = await admin.variant(parent.id);
    expect(variant.storefront_id).toBe(one);
    const alone = await admin.change(variant.id, { storefront_id: other });
    expectProblem(alone, 400, 'validation_failed', 'storefront_id: a variant is where its parent is');
    expect((await admin.change(variant.id, { storefront_id: one })).status).toBe(200);
    expect((await admin.change(parent.id, { storefront_id: other })).body).toMatchObject({
      storefront_id: other,
      version: 2,
      variants: [{ id: variant.id, storefront_id: other, version: 2 }],
    });
  });

  it('stay where they are, all of them, when the sku of one of their variants is taken there', async () => {
    const [one, other] = [await givenStorefront(), await givenStorefront()];
    const parent = await admin.product({ storefront_id: one });
    const variant = await admin.variant(parent.id);
    await admin.product({ sku: variant.sku, storefront_id: other });
    expectProblem(
      await admin.change(parent.id, { storefront_id: other, name: 'Moved' }),
      409,
      'sku_taken',
      'the sku of a variant is already taken there',
    );
    expect(await admin.get(parent.id)).toMatchObject({ storefront_id: one, name: 'Lamp', version: 1 });
  });

  it('keep it from being deleted, until they are', async () => {
    const id = await givenStorefront();
    const product = await admin.product({ storefront_id: id });
    expectProblem(await close(id), 409, 'storefront_not_empty');
    expect((await admin.asPublic('GET', `/storefronts/${id}`)).status).toBe(200);
    await admin.send('DELETE', `/products/${product.id}`);
    expect((await close(id)).status).toBe(204);
  });
});

describe('a storefront that is being deleted', () => {
  const livingIn = (id: number) =>
    database.sql('SELECT id FROM products WHERE storefront_id = $1 AND deleted_at IS NULL', [id]);

  it('either gets the product that is made in the same moment and stays, or is gone and gets none', async () => {
    for (const first of ['product', 'deletion'] as const) {
      const id = await givenStorefront();
      const held = await givenHeldLock(database, 'SELECT FROM storefronts WHERE id = $1 FOR UPDATE', [id]);
      const works = {
        product: () => admin.create({ storefront_id: id }),
        deletion: () => close(id),
      };
      const second = first === 'product' ? 'deletion' : 'product';
      const earlier = works[first]();
      await untilWaiting(database);
      const later = works[second]();
      await untilWaiting(database, 2);
      await held.release();
      const statuses = { [first]: (await earlier).status, [second]: (await later).status };
      const isOpen = (await admin.asPublic('GET', `/storefronts/${id}`)).status === 200;
      expect(statuses).toEqual(isOpen ? { product: 201, deletion: 409 } : { product: 404, deletion: 204 });
      expect(await livingIn(id)).toHaveLength(isOpen ? 1 : 0);
    }
  });

  it('(control) leaves a product to nobody when it is only looked at', async () => {
    const id = await givenStorefront();
    const unguarded = await bootApp(database, {}, (nest) => {
      const repository = nest.get(StorefrontRepository);
      repository.keep = async (ids) => {
        expect((await close(id)).status).toBe(204);
        return ids;
      };
    });
    const merchant = await Merchant.at(unguarded, database);
    expect((await merchant.create({ storefront_id: id })).status).toBe(201);
    expect(await livingIn(id)).toHaveLength(1);
    await unguarded.close();
  });
});
