import { ViewCounterRepository } from '../../src/product/view-counter.repository.js';
import { ViewCounter } from '../../src/product/view-counter.service.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { givenShopper } from '../support/given-shop.js';
import { Merchant } from './given-catalog.js';

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

const viewsOf = async (id: number): Promise<number> => (await admin.get(id)).views;
const write = (to = app) => to.app.get(ViewCounter).write();

/** How many statements have written the table so far. */
const written = async (id: number) => {
  const rows = await database.sql('SELECT xmin::text, views FROM product_views WHERE product_id = $1', [id]);
  return rows[0];
};

describe('a look at a product', () => {
  it('is counted, and told to admins within a second or so', async () => {
    const { id } = await admin.product();
    expect(await viewsOf(id)).toBe(0);
    await admin.getAsPublic(id);
    await (await givenShopper(app)).send('GET', `/products/${id}`);
    await eventually(async () => (await viewsOf(id)) === 2, { what: 'the count' });
    const { body } = await admin.send('GET', '/products?limit=100');
    expect(body.products.find((product: { id: number }) => product.id === id).views).toBe(2);
  });

  it("is not told to the public, and an admin's own is not counted", async () => {
    const { id } = await admin.product();
    expect(await admin.getAsPublic(id)).not.toHaveProperty('views');
    for (let looks = 0; looks < 3; looks++) await admin.get(id);
    await write();
    expect(await viewsOf(id)).toBe(1);
    expect((await admin.list('?limit=1'))[0]).not.toHaveProperty('views');
  });

  it('counts for the variant that is looked at, not for its parent', async () => {
    const parent = await admin.product();
    const variant = await admin.variant(parent.id);
    await admin.getAsPublic(variant.id);
    await write();
    expect(await admin.get(parent.id)).toMatchObject({ views: 0, variants: [{ views: 1 }] });
  });

  it('does not count when there is nothing to be seen', async () => {
    const { id } = await admin.product({ active: false });
    expect((await admin.asPublic('GET', `/products/${id}`)).status).toBe(404);
    expect((await admin.asPublic('GET', '/products/999999')).status).toBe(404);
    await write();
    expect(await viewsOf(id)).toBe(0);
  });

  it('leaves the version and the time of the last change alone', async () => {
    const { id, version, updated_at } = await admin.product();
    await admin.getAsPublic(id);
    await write();
    expect(await admin.get(id)).toMatchObject({ version, updated_at, views: 1 });
  });
});

describe('the looks of many', () => {
  it('are written together, and add up over two processes', async () => {
    const other = await bootApp(database);
    const elsewhere = await Merchant.at(other, database);
    const { id } = await admin.product();
    await Promise.all(
      Array.from({ length: 25 }, () => [admin.getAsPublic(id), elsewhere.getAsPublic(id)]).flat(),
    );
    await Promise.all([write(), write(other)]);
    expect(await viewsOf(id)).toBe(50);
    const before = await written(id);
    await Promise.all([write(), write(other)]);
    expect(await written(id)).toEqual(before);
    await other.close();
  });

  it('are written at the latest when the service stops', async () => {
    const other = await bootApp(database);
    const elsewhere = await Merchant.at(other, database);
    const { id } = await admin.product();
    await elsewhere.getAsPublic(id);
    await other.close();
    expect(await viewsOf(id)).toBe(1);
  });

  it('are not lost when they could not be written', async () => {
    let failures = 0;
    const other = await bootApp(database, {}, (nest) => {
      const repository = nest.get(ViewCounterRepository);
      const add = repository.add.bind(repository);
      repository.add = async (counts, tx) => {
        failures += 1;
        if (failures === 1) throw new Error('the disk is full');
        await add(counts, tx);
      };
    });
    const elsewhere = await Merchant.at(other, database);
    const { id } = await admin.product();
    await elsewhere.getAsPublic(id);
    await eventually(() => failures === 1, { what: 'the failure' });
    await elsewhere.getAsPublic(id);
    await eventually(async () => (await viewsOf(id)) === 2, { what: 'the count' });
    await other.close();
  });
});
