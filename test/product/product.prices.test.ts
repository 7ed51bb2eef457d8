import pg from 'pg';
import { untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { freshSku, Merchant } from './given-catalog.js';

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;

// Prices of variants are anywhere, and many are the same. Some are not sold any more, some are deleted, some have run out.
beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, { PRODUCT_CACHE_MS: '0' });
  admin = await Merchant.at(app, database);
  await database.sql(
    `INSERT INTO products (sku, name, price_minor, category, stock, first_count, active)
     SELECT 'P-' || n, CASE WHEN n % 3 > 0 THEN 'Chair' ELSE 'Table' END, 100 * (1 + n * 7919 % 90), 'wood-' || n % 4,
            n % 3, n % 3, n % 17 <> 5
     FROM generate_series(1, 500) n`,
  );
  await database.sql(
    `INSERT INTO products (sku, name, price_minor, category, parent_id, stock, first_count, active, deleted_at)
     SELECT sku || '-' || k, 'Blue', 100 * (1 + (id * 31 + k * 47) % 90), category, id, (id + k) % 4, (id + k) % 4, (id + k) % 5 > 0,
            CASE WHEN (id + k) % 11 = 0 THEN now() END
     FROM products CROSS JOIN generate_series(1, 3) k WHERE category LIKE 'wood-%' AND id % 5 < 2 AND k <= id % 4`,
  );
});
afterAll(async () => {
  await app.close();
  await database.drop();
});

async function listed(query: string, isAdmin = false): Promise<number[]> {
  const ids: number[] = [];
  for (let cursor = ''; ; ) {
    const path = `/products?limit=100&${query}${cursor}`;
    const { body } = await (isAdmin ? admin.send('GET', path) : admin.asPublic('GET', path));
    ids.push(...body.products.map(({ id }: { id: number }) => id));
    if (body.next_cursor === null) return ids;
    cursor = `&cursor=${body.next_cursor}`;
  }
}

/** What every product of the shop says to it, one by one, in the order of their prices. */
async function lookedThrough(min: number, max: number, also: string, isAdmin = false): Promise<number[]> {
  const isShown = (alias: string) =>
    `${alias}.deleted_at IS NULL AND ${isAdmin ? 'true' : `${alias}.active`}`;
  const rows = await database.sql(
    `SELECT p.id FROM products p WHERE p.parent_id IS NULL AND ${isShown('p')} AND ${also} AND EXISTS (
       SELECT FROM products c WHERE ${isShown('c')} AND c.price_minor BETWEEN $1 AND $2 AND
         (c.parent_id = p.id OR c.id = p.id AND NOT EXISTS (
            SELECT FROM products v WHERE v.parent_id = p.id AND v.deleted_at IS NULL)))
     ORDER BY p.price_minor, p.id`,
    [min * 100, max * 100],
  );
  return rows.map(({ id }) => id);
}
const MOST = 1_000_000;

describe('a list by price, within bounds', () => {
  const filters: [query: string, also: string][] = [
    ['', 'true'],
    ['&category=wood-1', `p.category = 'wood-1'`],
    ['&q=chair', `p.name = 'Chair'`],
    [
      '&in_stock=true',
      `coalesce((SELECT sum(v.stock) FROM products v WHERE v.parent_id = p.id AND v.active AND v.deleted_at IS NULL), p.stock) > 0`,
    ],
  ];
  it.each([
    [20, 25],
    [20, MOST],
    [0, 70],
    [44, 44],
    [80, MOST],
  ])('has from %d to %d what would be found by looking at each product', async (min, max) => {
    const bounds = `${min > 0 ? `&min_price=${min}` : ''}${max < MOST ? `&max_price=${max}` : ''}`;
    for (const [query, also] of filters) {
      const wanted = await lookedThrough(min, max, also);
      expect(wanted.length).toBeGreaterThan(0);
      expect(await listed(`sort=price${bounds}${query}`)).toEqual(wanted);
      expect(await listed(`sort=-price${bounds}${query}`)).toEqual(wanted.toReversed());
    }
    expect(await listed(`sort=price${bounds}`, true)).toEqual(await lookedThrough(min, max, 'true', true));
  });

  it('follows each change of a price, of a product as of its variants', async () => {
    const [first, second] = [await admin.product({ price: 2_000 }), await admin.product({ price: 3_000 })];
    const variant = await admin.variant(first.id, { price: 9_000 });
    const other = await admin.variant(second.id, { price: 9_001 });
    const found = (query = 'min_price=9000') => listed(`sort=price&${query}`);
    expect(await found()).toEqual([first.id, second.id]);
    await admin.change(first.id, { price: 4_000 });
    expect(await found()).toEqual([second.id, first.id]);
    await admin.change(variant.id, { price: 8_000 });
    expect(await found()).toEqual([second.id]);
    expect(await found('min_price=8000&max_price=8999')).toEqual([first.id]);
    await admin.change(other.id, { active: false });
    expect(await found()).toEqual([]);
    await admin.change(other.id, { active: true });
    await admin.send('DELETE', `/products/${other.id}`);
    // Its last variant is gone: it is sold itself again, for less.
    expect(await found()).toEqual([]);
    expect(await found('min_price=3000&max_price=3000')).toEqual([second.id]);
  });
});

describe('a variant that is made while its product gets another price', () => {
  /** Past the service, which locks the product first. @returns the product's price, and what is noted of it with the variant. */
  async function madeMeanwhile(): Promise<[price: unknown, noted: unknown]> {
    const { id } = await admin.product({ price: 100 });
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('UPDATE products SET price_minor = 20000 WHERE id = $1', [id]);
    const making = database.sql(
      `INSERT INTO products (sku, name, price_minor, parent_id, stock, first_count) VALUES ($1, 'Blue', 100, $2, 0, 0)`,
      [freshSku(), id],
    );
    await Promise.race([making, untilWaiting(database)]);
    await client.query('COMMIT');
    await client.end();
    await making;
    const [row] = await database.sql(
      `SELECT p.price_minor, e.product_price_minor FROM products p JOIN variant_prices e ON e.product_id = p.id WHERE p.id = $1`,
      [id],
    );
    return [row?.price_minor, row?.product_price_minor];
  }

  it('stands where the new price puts it', async () => {
    const [price, noted] = await madeMeanwhile();
    expect([String(price), noted]).toEqual(['20000', price]);
  });

  it('(control) stands where the old one did when the product is not locked', async () => {
    const [row] = await database.sql(
      `SELECT pg_get_functiondef('note_prices_of_new_variants'::regproc) AS text`,
    );
    const unguarded = row?.text.replace('FOR SHARE OF p', '');
    expect(unguarded).not.toBe(row?.text);
    await database.sql(unguarded);
    const [price, noted] = await madeMeanwhile();
    expect([String(price), String(noted)]).toEqual(['20000', '10000']);
    await database.sql(row?.text);
  });
});
