import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import pg from 'pg';
import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { pendingMigrations, revertNewest, runScripts } from '../../src/platform/database/migrations.js';
import { Replicas } from '../../src/platform/database/replicas.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { expectProblem } from '../support/given-shop.js';
import { freshCategory, freshSku, Merchant, mustBe } from './given-catalog.js';

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

const search = (q: string, query = '') => admin.list(`?q=${encodeURIComponent(q)}${query}`);
const namesFor = async (q: string, query = '') => (await search(q, query)).map(({ name }) => name);

describe('a search', () => {
  it('finds words of the name, the sku and the description, whatever their case', async () => {
    expect(await namesFor('LAPTOP')).toEqual(['Laptop']);
    expect(await namesFor('laptop-001')).toEqual(['Laptop']);
    expect(await namesFor('monitor 001')).toEqual(['Monitor']);
    expect(await namesFor('tactile')).toEqual(['Keyboard']);
    expect(await namesFor('  tactile   switches ')).toEqual(['Keyboard']);
  });

  it('finds another form of an English word', async () => {
    expect(await namesFor('laptops')).toEqual(['Laptop']);
    expect(await namesFor('noises cancelled')).toEqual(['Headphones']);
  });

  it('finds words of any language, and in any script', async () => {
    const { id } = await admin.product({ name: 'Светильник', description: 'Für den Küchentisch 照明' });
    for (const q of ['светильник', 'свет', 'küchentisch', '照明', 'küch'])
      expect((await search(q)).map((product) => product.id)).toEqual([id]);
  });

  it('finds a name whichever way its letters with marks are written, and tells it in one', async () => {
    const [composed, decomposed] = ['Kaffeemühle', 'Espressokännchen'].map((name) => [
      name.normalize('NFC'),
      name.normalize('NFD'),
    ]) as [[string, string], [string, string]];
    const mill = await admin.product({ name: composed[1], description: 'für Süßes'.normalize('NFD') });
    const pot = await admin.product({ name: decomposed[0] });
    expect([mill.name, mill.description]).toEqual([composed[0], 'für Süßes'.normalize('NFC')]);
    for (const q of [...composed, 'süßes'.normalize('NFC'), 'süßes'.normalize('NFD')])
      expect((await search(q)).map(({ id }) => id)).toEqual([mill.id]);
    for (const q of decomposed) expect((await search(q)).map(({ id }) => id)).toEqual([pot.id]);
    const renamed = await admin.send('PATCH', `/products/${pot.id}`, { body: { name: composed[1] } });
    expect(mustBe(200, renamed).name).toBe(composed[0]);
  });

  it('filters by a category whichever way its letters with marks are written', async () => {
    const category = `küche ${freshCategory()}`;
    const { id } = await admin.product({ category: category.normalize('NFD') });
    for (const form of ['NFC', 'NFD']) {
      const found = await admin.list(`?category=${encodeURIComponent(category.normalize(form))}`);
      expect(found).toMatchObject([{ id, category: category.normalize('NFC') }]);
    }
  });

  it('finds what begins like the last word, which may be unfinished', async () => {
    expect(await namesFor('keyb')).toEqual(['Keyboard']);
    expect(await namesFor('mechanical key')).toEqual(['Keyboard']);
    expect(await namesFor('LAPTOP-0')).toEqual(['Laptop']);
  });

  it('takes all words, a phrase, alternatives and exclusions', async () => {
    expect(await namesFor('quiet mouse')).toEqual(['Mouse']);
    expect(await namesFor('"noise cancelling"')).toEqual(['Headphones']);
    expect(await namesFor('"cancelling noise"')).toEqual([]);
    expect((await namesFor('mouse or keyboard')).toSorted()).toEqual(['Keyboard', 'Mouse']);
    expect((await namesFor('mouse or keyb')).toSorted()).toEqual(['Keyboard', 'Mouse']);
    expect(await namesFor('mouse -wireless')).toEqual([]);
    expect(await namesFor('mouse -wire')).toEqual(['Mouse']);
    expect(await namesFor('"4K"')).toEqual(['Monitor']);
  });

  it('puts a name over a sku, and a sku over a description, however often that says it', async () => {
    const word = 'zanzibar';
    const description = await admin.product({ description: `${word} `.repeat(50) });
    const sku = await admin.product({ sku: `X-${word}` });
    const name = await admin.product({ name: `A lamp of ${word}` });
    expect((await search(word)).map(({ id }) => id)).toEqual([name.id, sku.id, description.id]);
  });

  it('finds a product by its variants, once, and ranks it by the closest of them', async () => {
    const word = 'madagascar';
    const [parent, other] = [
      await admin.product({ name: 'Shirt' }),
      await admin.product({ description: word }),
    ];
    const red = await admin.variant(parent.id, { sku: freshSku(), name: `${word} red` });
    await admin.variant(parent.id, { sku: `${word}-blue` });
    const found = await search(word);
    expect(found.map(({ id }) => id)).toEqual([parent.id, other.id]);
    expect(found[0].variants).toHaveLength(2);
    expect((await search(red.sku)).map(({ id }) => id)).toEqual([parent.id]);
  });

  it('shows the public neither what is inactive, nor that a variant of it has the word', async () => {
    const word = 'mauritius';
    const hidden = await admin.product({ name: word, active: false });
    const parent = await admin.product({ name: 'Shirt' });
    await admin.variant(parent.id, { name: word, active: false });
    expect(await search(word)).toEqual([]);
    const { products } = mustBe(200, await admin.send('GET', `/products?q=${word}`));
    expect(products.map(({ id }: { id: number }) => id)).toEqual([hidden.id, parent.id]);
    await admin.send('DELETE', `/products/${hidden.id}`);
    expect(mustBe(200, await admin.send('GET', `/products?q=${word}`)).products).toHaveLength(1);
  });

  it('goes together with every filter, order and count', async () => {
    const category = freshCategory();
    const make = (name: string, price: number, stock = 1) =>
      admin.product({ name: `${name} seychelles`, category, price, stock });
    const [b, a, c] = [await make('B', 20), await make('A', 30, 0), await make('C', 10)];
    await admin.product({ name: 'Seychelles elsewhere' });
    const found = async (query: string) =>
      (await search('seych', `&category=${category}${query}`)).map(({ id }) => id);
    expect(await found('&sort=name')).toEqual([a.id, b.id, c.id]);
    expect(await found('&sort=price')).toEqual([c.id, b.id, a.id]);
    expect(await found('&sort=-price')).toEqual([a.id, b.id, c.id]);
    expect(await found('&sort=newest')).toEqual([c.id, a.id, b.id]);
    expect(await found('&in_stock=true&sort=name')).toEqual([b.id, c.id]);
    expect(await found('&min_price=15&max_price=25')).toEqual([b.id]);
    const answer = await admin.asPublic('GET', `/products?q=seych&category=${category}&count=true&limit=1`);
    expect(answer.body).toMatchObject({ total: 3, products: [{}] });
    expect(await search('seych', '&category=none')).toEqual([]);
  });

  it('has pages by relevance that meet each product once', async () => {
    const word = 'comoros';
    await database.sql(
      `INSERT INTO products (sku, name, description, price_minor, stock, first_count)
       SELECT 'COM-' || i, CASE WHEN i % 2 = 0 THEN $1 ELSE 'Lamp' END, repeat($1 || ' ', i % 3 + 1), 100, 0, 0
       FROM generate_series(1, 40) i`,
      [word],
    );
    const whole = (await search(word, '&limit=100')).map(({ id }) => id);
    expect(whole).toHaveLength(40);
    for (const limit of [1, 7, 40]) {
      const seen: number[] = [];
      let cursor = '';
      do {
        const answer = await admin.asPublic('GET', `/products?q=${word}&limit=${limit}${cursor}`);
        const { products, next_cursor } = mustBe(200, answer);
        seen.push(...products.map(({ id }: { id: number }) => id));
        cursor = next_cursor && `&cursor=${next_cursor}`;
      } while (cursor);
      expect(seen).toEqual(whole);
    }
    const { next_cursor } = mustBe(200, await admin.asPublic('GET', `/products?q=${word}&limit=1`));
    for (const query of [`?cursor=${next_cursor}`, `?q=${word}&sort=price&cursor=${next_cursor}`])
      expectProblem(await admin.asPublic('GET', `/products${query}`), 400, 'validation_failed');
  });

  const ODD = [
    '!!!',
    '"',
    '"""',
    "'",
    "''",
    "it's",
    '\\',
    "\\'",
    'a\\',
    '(',
    ')(',
    '&',
    '|',
    ':*',
    'a:*',
    "a':*",
    '<->',
    'a <2> b',
    '-',
    '--',
    '-"a b"',
    '-a',
    'or',
    'or or',
    'a or',
    'the',
    'a b or (c -d',
    '%',
    '_',
    '100%',
    '$1',
    'x@y.example',
    'https://shop.example/?a=b&c=d',
    '💡',
    '\u202e',
    "'; DROP TABLE products; --",
    'x'.repeat(200),
    '- '.repeat(100),
    '"a '.repeat(66),
  ];
  it.each(ODD)('is never an error, also for %j', async (q) => {
    expect(await search(q)).toEqual(expect.any(Array));
    expect((await admin.asPublic('GET', `/products?count=true&q=${encodeURIComponent(q)}`)).status).toBe(200);
  });

  it('is never an error, whatever is made of operators and words', async () => {
    const part = fc.constantFrom(
      '-',
      '"',
      ' ',
      'or',
      'a',
      'lamp',
      '!',
      '&',
      '|',
      '(',
      ')',
      ':*',
      '<->',
      '\\',
      "'",
    );
    const text = fc.array(part, { minLength: 1, maxLength: 60 }).map((parts) => parts.join('').slice(0, 200));
    const asked = text.filter((q) => q.trim() !== '');
    await fc.assert(
      fc.asyncProperty(asked, async (q) => {
        expect({ q, found: await search(q) }).toEqual({ q, found: expect.any(Array) });
      }),
      { numRuns: 150 },
    );
  });
});

describe('a search with a typing error', () => {
  it.each([
    ['labtop', 'Laptop'],
    ['moniter', 'Monitor'],
    ['keybord', 'Keyboard'],
    ['hedfones', 'Headphones'],
    ['mosue', 'Mouse'],
  ])('for %s finds %s', async (q, name) => {
    expect((await namesFor(q))[0]).toBe(name);
  });

  it('asks for what looks alike only when no word fits', async () => {
    await admin.product({ name: 'Tenerife' });
    expect(await namesFor('tenrife')).toEqual(['Tenerife']);
    await admin.product({ name: 'Tenrife' });
    expect(await namesFor('tenrife')).toEqual(['Tenrife']);
  });

  it('shows nothing that was excluded, and nothing else than what was quoted', async () => {
    expect(await namesFor('mouse -wireless')).toEqual([]);
    expect(await namesFor('"labtop"')).toEqual([]);
  });

  it('finds nothing where nothing looks alike', async () => {
    expect(await namesFor('qqqqzzzz')).toEqual([]);
  });

  it('goes together with filters and finds a product by its variants', async () => {
    const parent = await admin.product({ name: 'Shirt', category: 'isles' });
    await admin.variant(parent.id, { name: 'Galapagos' });
    expect(await namesFor('galpagos', '&category=isles&count=true')).toEqual(['Shirt']);
    expect(await namesFor('galpagos', '&category=other')).toEqual([]);
    await admin.change(parent.id, { active: false });
    expect(await namesFor('galpagos')).toEqual([]);
  });

  it('corrects each word by itself, wherever the others stand, and each alternative', async () => {
    expect(await namesFor('the mosue wirel')).toEqual(['Mouse']);
    expect(await namesFor('wireless mosue')).toEqual(['Mouse']);
    expect((await namesFor('mosue or keybaord')).toSorted()).toEqual(['Keyboard', 'Mouse']);
    expect(await namesFor('key board')).toEqual(['Keyboard']);
    expect(await namesFor('mosue keybaord')).toEqual([]);
  });

  it('is not led to a word that only hidden products have, though it is closer', async () => {
    await admin.product({ name: 'Gibraltar' });
    const { id } = await admin.product({ name: 'Gibraltax', active: false });
    expect(await namesFor('gibraltaxe')).toEqual(['Gibraltar']);
    await admin.change(id, { active: true });
    expect(await namesFor('gibraltaxe')).toEqual(['Gibraltax']);
  });

  it('is corrected though a variant of a hidden product has the very word', async () => {
    await admin.product({ name: 'Helgoland' });
    const { id } = await admin.product({ name: 'Shirt', active: false });
    await admin.variant(id, { name: 'Helgolandy' });
    expect(await namesFor('helgolandy')).toEqual(['Helgoland']);
    await admin.change(id, { active: true });
    expect(await namesFor('helgolandy')).toEqual(['Shirt']);
  });

  it('knows the words of a new name, and of many at once', async () => {
    const { id } = await admin.product({ name: 'Chair' });
    await admin.change(id, { name: 'Minorca chair' });
    expect(await namesFor('minroca')).toEqual(['Minorca chair']);
    await database.sql(`UPDATE products SET stock = stock WHERE id = $1`, [id]);
    expect(
      await database.sql(`SELECT word FROM product_words WHERE word IN ('chair', 'minorca')`),
    ).toHaveLength(2);
  });

  it('lets nobody wait for who writes the same new word', async () => {
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    try {
      await other.query('BEGIN');
      await other.query(
        `INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES ('F-1', 'Formentera', 1, 0, 0)`,
      );
      await admin.product({ name: 'Formentera lamp' });
      await other.query('ROLLBACK');
    } finally {
      await other.end();
    }
    expect(await namesFor('formntera')).toEqual(['Formentera lamp']);
  });
});

describe('a database whose owner may not create extensions', () => {
  it('is migrated all the same, there and back, and finds nothing that only looks alike', async () => {
    const server = process.env.TEST_POSTGRES_URL as string;
    const name = `t_${randomUUID().replaceAll('-', '')}`;
    const run = async (text: string, url = server): Promise<any[]> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(text)).rows;
      } finally {
        await client.end();
      }
    };
    await run(`CREATE DATABASE ${name}`);
    await run(`CREATE ROLE ${name} LOGIN PASSWORD 'humble'`);
    const own = server.replace(/\/holdfast$/, `/${name}`);
    await run(`GRANT ALL ON SCHEMA public TO ${name}`, own);
    const humble = new URL(own);
    humble.username = name;
    humble.password = 'humble';
    const url = String(humble);
    const sequelize = connect(url, loadConfig({ DATABASE_URL: url, NODE_ENV: 'test' }));
    try {
      const ran = await runScripts('migrations', sequelize);
      expect(await run('SELECT extname FROM pg_extension', url)).toEqual([{ extname: 'plpgsql' }]);
      await runScripts('seeders', sequelize);
      expect(await run(`SELECT * FROM product_lookalikes('labtop')`, url)).toEqual([]);
      expect(
        await run(`SELECT id FROM products WHERE search @@ websearch_to_tsquery('simple', 'laptop')`, url),
      ).toEqual([{ id: 1 }]);
      // All the way back: a down script that leaves something behind would fail to run again.
      for (let left = ran.length; left > 0; left--) await revertNewest(sequelize);
      expect(await pendingMigrations(sequelize)).toEqual(ran);
      expect(await runScripts('migrations', sequelize)).toEqual(ran);
    } finally {
      await sequelize.close();
      await run(`DROP DATABASE ${name} WITH (FORCE)`);
      await run(`DROP ROLE ${name}`);
    }
  });
});

describe('a word that thousands of products have', () => {
  /** Ids by where the word stands: `0` in a name, the product's own or of a variant of it, `1` elsewhere. */
  const places = new Map<number, number>();
  const prices = new Map<number, number>();

  beforeAll(async () => {
    const rows = await database.sql<{ id: number; n: number; price_minor: number }>(
      `INSERT INTO products (sku, name, description, price_minor, category, stock, first_count, active)
       SELECT 'COMMON-' || n, CASE WHEN n % 9 = 0 THEN 'Ubiquitous thing ' ELSE 'Thing ' END || n,
              CASE WHEN n % 11 = 0 THEN '' ELSE 'It is ubiquitous.' END, 1000 + n * 37 % 1000, 'common-' || n % 2, 1, 1, n % 50 <> 49
       FROM generate_series(1, 2700) n RETURNING id, substring(sku FROM 8)::int AS n, price_minor::int`,
    );
    for (const { id, n, price_minor } of rows) {
      prices.set(id, price_minor);
      if (n % 50 === 49) continue;
      if (n % 9 === 0) places.set(id, 0);
      else if (n % 11 !== 0) places.set(id, 1);
    }
    // One that has it in the name of a variant alone, and one that has it in the description of one alone.
    for (const [index, n] of [11, 22].entries()) {
      const { id } = rows.find((row) => row.n === n) as { id: number };
      const [name, description] = index === 0 ? ['Ubiquitous one', ''] : ['Blue', 'ubiquitous'];
      await admin.variant(id, { name, description });
      places.set(id, index);
    }
  });

  async function walk(query: string, q = 'ubiquitous'): Promise<number[]> {
    const ids: number[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await admin.asPublic('GET', `/products?q=${q}&limit=100${query}${cursor}`);
      ids.push(...body.products.map(({ id }: { id: number }) => id));
      if (body.next_cursor === null) return ids;
      cursor = `&cursor=${body.next_cursor}`;
    }
  }
  const byPlace = (a: number, b: number) => places.get(a)! - places.get(b)! || a - b;

  it('is shown by name first, then by id, page after page, and nothing is left out or told twice', async () => {
    expect(await walk('')).toEqual([...places.keys()].sort(byPlace));
    const { body } = await admin.asPublic('GET', '/products?q=ubiquitous&count=true');
    expect(body.total).toBe(places.size);
  });

  it('is shown in the same order when Postgres knows how many products there are', async () => {
    await database.sql('ANALYZE products');
    expect(await walk('')).toEqual([...places.keys()].sort(byPlace));
  });

  it('is shown in another order when that is asked for', async () => {
    const byPrice = (a: number, b: number) => prices.get(a)! - prices.get(b)! || a - b;
    const ids = [...places.keys()];
    expect(await walk('&sort=price')).toEqual(ids.toSorted(byPrice));
    expect(await walk('&sort=-price')).toEqual(ids.toSorted(byPrice).reverse());
    expect(await walk('&sort=newest')).toEqual(ids.toSorted((a, b) => b - a));
  });

  it('passes the filters', async () => {
    const category = 'category=common-1';
    const wanted = await database.sql('SELECT id FROM products WHERE category = $1', ['common-1']);
    const ids = new Set(wanted.map(({ id }) => id));
    expect(await walk(`&${category}`)).toEqual([...places.keys()].filter((id) => ids.has(id)).sort(byPlace));
  });

  it('is shown by id when thousands have it in their names', async () => {
    const other = await admin.product({ name: 'Sundries', description: 'A thing.', category: 'common-1' });
    const last = await admin.product({ name: 'A thing that comes last', category: 'common-1' });
    const rows = await database.sql(
      `SELECT id FROM products WHERE category = 'common-1' AND active AND parent_id IS NULL AND name ~* 'thing' ORDER BY id`,
    );
    const named = rows.map(({ id }) => id);
    expect(named.at(-1)).toBe(last.id);
    expect(await walk('&category=common-1', 'thing')).toEqual([...named, other.id]);
  });

  it('is ranked like any other while it is together with a rarer one', async () => {
    const [first] = await namesFor('ubiquitous 27');
    expect(first).toBe('Ubiquitous thing 27');
  });
});

describe('words that hundreds of products have', () => {
  // Of each word there are more than are ranked one by one, in the names of products and of variants, and elsewhere.
  beforeAll(async () => {
    await database.sql(
      `INSERT INTO products (sku, name, description, price_minor, category, stock, first_count)
       SELECT 'MANY-' || n,
              concat_ws(' ', CASE WHEN n % 2 = 0 THEN 'Copper' END, CASE WHEN n >= 2000 THEN 'USB-C' ELSE 'Tin' END,
                        CASE n % 3 WHEN 0 THEN 'Kettles' WHEN 1 THEN 'Kettledrum' ELSE 'Pans' END, 'of 1.5 liters Q' || n),
              CASE WHEN n % 5 = 0 THEN 'Goes with copper kettles.' ELSE '' END, 1000, 'many', 1, 1
       FROM generate_series(1, 2700) n`,
    );
    await database.sql(
      `INSERT INTO products (sku, name, description, price_minor, parent_id, stock, first_count, active)
       SELECT sku || '-V', CASE WHEN id % 2 = 0 THEN 'Copper edition' ELSE 'Blue' END, CASE WHEN id % 7 = 0 THEN 'a kettle' ELSE '' END,
              1000, id, 1, 1, id % 3 > 0 FROM products WHERE category = 'many' AND id % 4 < 2`,
    );
    await database.sql(`UPDATE products SET name = 'Brass thing' WHERE category = 'many' AND id % 13 = 0`);
    await database.sql('ANALYZE');
  });

  /** What every product of the shop says to it, one by one: in a name first, then elsewhere, both by id. */
  async function lookedThrough(tsquery: string): Promise<number[]> {
    const rows = await database.sql(
      `SELECT p.id FROM products p CROSS JOIN LATERAL (
         SELECT bool_or(s.search @@ q) AS has, bool_or(ts_filter(s.search, '{a}') @@ q) AS named
         FROM products s CROSS JOIN (SELECT ${tsquery} AS q) q WHERE (s.id = p.id OR s.parent_id = p.id) AND s.active) s
       WHERE p.parent_id IS NULL AND p.active AND p.deleted_at IS NULL AND s.has ORDER BY NOT s.named, p.id`,
    );
    return rows.map(({ id }) => id);
  }
  const either = (text: string, beginning: string) =>
    `websearch_to_tsquery('english', '${text}') || $$${beginning}$$::tsquery`;

  it.each([
    ['copper', either('copper', 'copper:*')],
    ['kettle', either('kettle', 'kettle:*')],
    ['kettles copper', either('kettles copper', 'kettles & copper:*')],
    ['copper kett', either('copper kett', 'copper & kett:*')],
    // A thousand copper things come before the first that is both.
    ['copper usb-c', either('copper usb-c', `copper & 'usb-c' <-> usb <-> c:*`)],
    ['usb-c', either('usb-c', `'usb-c' <-> usb <-> c:*`)],
    ['the pans of 1.5 liters', either('the pans of 1.5 liters', `the & pans & of & '1.5' & liters:*`)],
    // More words than can be told one by one begin like it: some hundreds of them, and some thousands.
    ['q1', either('q1', 'q1:*')],
    ['q', either('q', 'q:*')],
    ['copper q1', either('copper q1', 'copper & q1:*')],
    ['brass or usb-c', either('brass or usb-c', `brass | 'usb-c' <-> usb <-> c:*`)],
    ['"copper usb-c"', `websearch_to_tsquery('simple', '"copper usb-c"')`],
    ['copper -kettles', either('copper -kettles', 'copper & !kettles')],
    ['coppper', `'coppper | copper'::tsquery`],
  ])('are found for %s as if each product was looked at', async (q, tsquery) => {
    const wanted = await lookedThrough(tsquery);
    expect(wanted.length).toBeGreaterThan(300);
    expect(await idsOf(`q=${encodeURIComponent(q)}`)).toEqual(wanted);
  });

  it('and filters that let hardly anything through meet it, however far away it is', async () => {
    const far = `category = 'many' AND id > (SELECT max(id) - 300 FROM products WHERE category = 'many')`;
    await database.sql(`UPDATE products SET price_minor = 77700 + id % 100 WHERE ${far} AND id % 10 = 3`);
    await database.sql(
      `UPDATE products SET price_minor = 77700 + id % 100 WHERE parent_id IN (SELECT id FROM products WHERE ${far}) AND id % 5 = 1`,
    );
    await database.sql(
      `UPDATE products SET stock = 0 WHERE (${far} OR parent_id IN (SELECT id FROM products WHERE ${far})) AND id % 3 > 0`,
    );
    const all = await pagesOf('category=many', (path) => admin.send('GET', path));
    const isCheap = ({ price, active }: { price: number; active: boolean }) =>
      active && price >= 777 && price <= 777.9;
    const cheap = all.filter(({ variants, ...product }) =>
      variants.length > 0 ? variants.some(isCheap) : isCheap(product as any),
    );
    const soldOut = all.filter(({ stock }) => stock === 0);
    for (const [query, wanted] of [
      ['min_price=777&max_price=777.9', cheap],
      ['in_stock=false', soldOut],
      ['in_stock=false&min_price=777&max_price=777.9', cheap.filter(({ stock }) => stock === 0)],
      ['min_price=777&max_price=777.9&q=liters', cheap.filter(({ name }) => name.includes('liters'))],
    ] as const) {
      expect(wanted.length).toBeGreaterThan(5);
      const ids = wanted.map(({ id }) => id);
      const byPrice = wanted.toSorted((a, b) => a.price - b.price || a.id - b.id).map(({ id }) => id);
      expect(await idsOf(`category=many&${query}&sort=newest`)).toEqual(ids.toReversed());
      expect(await idsOf(`category=many&${query}&sort=price`)).toEqual(byPrice);
      const { body } = await admin.asPublic('GET', `/products?category=many&count=true&${query}`);
      expect(body.total).toBe(ids.length);
    }
    // By name first, then elsewhere: there are too many to be ranked, and too few of them are cheap to be met soon.
    const kettles = await lookedThrough(either('kettles', 'kettles:*'));
    const cheapKettles = kettles.filter((id) => cheap.some((product) => product.id === id));
    expect(cheapKettles.length).toBeGreaterThan(5);
    expect(cheapKettles).not.toEqual(cheapKettles.toSorted((a, b) => a - b));
    expect(await idsOf('q=kettles&min_price=777&max_price=777.9')).toEqual(cheapKettles);
  });

  it('are not gathered for a category that ends before many were looked at', async () => {
    const replicas = app.app.get(Replicas);
    const read = replicas.read;
    let isGathered = false;
    replicas.read = async (statement, values) => {
      isGathered ||= statement.text.includes('UNION ALL SELECT e.product_id');
      return read.call(replicas, statement, values) as any;
    };
    try {
      await admin.product({ category: 'few', price: 30 });
      expect(await idsOf('category=few&min_price=20')).toHaveLength(1);
      expect(isGathered).toBe(false);
      expect(await idsOf('category=many&min_price=20&max_price=20')).toEqual([]);
      expect(isGathered).toBe(true);
    } finally {
      replicas.read = read;
    }
  });

  async function pagesOf(query: string, ask = (path: string) => admin.asPublic('GET', path)): Promise<any[]> {
    const products: any[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await ask(`/products?${query}&limit=50${cursor}`);
      products.push(...body.products);
      if (body.next_cursor === null) return products;
      cursor = `&cursor=${body.next_cursor}`;
    }
  }
  const idsOf = async (query: string): Promise<number[]> => (await pagesOf(query)).map(({ id }) => id);
});
