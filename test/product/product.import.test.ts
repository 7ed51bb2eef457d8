import { request } from 'node:http';
import { parse } from 'csv-parse/sync';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import { CatalogFileRepository } from '../../src/product/csv/catalog-file.repository.js';
import { ProductImportService } from '../../src/product/csv/import.service.js';
import { ProductRepository } from '../../src/product/product.repository.js';
import { givenHeldLock, times, untilWaiting } from '../support/barrier.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { expectProblem, givenShopper } from '../support/given-shop.js';
import { expectPromisesKept } from '../support/promises.js';
import { freshSku, Merchant, mustBe } from './given-catalog.js';
import { csvOf, exportCsv, importCsv } from './given-csv.js';

/** Whole batches wait for each other here, on a machine that may be busy. */
const PATIENT = { DATABASE_LOCK_TIMEOUT_MS: '20000', DATABASE_STATEMENT_TIMEOUT_MS: '30000' };

let database: TestDatabase;
let app: TestApp;
let admin: Merchant;

beforeAll(async () => {
  database = await cloneDatabase();
  app = await bootApp(database, PATIENT);
  admin = await Merchant.at(app, database);
});
afterAll(async () => {
  await expectPromisesKept(database);
  await app.close();
  await database.drop();
});

const send = (file: string | Buffer, headers?: Record<string, string>) =>
  importCsv(app, admin.user, file, headers);
const take = async (file: string | Buffer) => mustBe(200, await send(file));
const counts = (created: number, updated: number, unchanged: number, failed: number) => ({
  rows: created + updated + unchanged + failed,
  created,
  updated,
  unchanged,
  failed,
});
const stored = async (sku: string) => {
  const rows = await database.sql('SELECT * FROM products WHERE sku = $1 AND deleted_at IS NULL', [sku]);
  return rows[0];
};
const ALL =
  'sku,name,description,price,category,image_url,storefront_id,parent_sku,low_stock_threshold,active,stock';
/** What the rows are, ids and times aside. */
const catalog = () =>
  database.sql(
    `SELECT id, sku, name, price_minor, stock, version, updated_at, parent_id, deleted_at FROM products ORDER BY id`,
  );

describe('a file', () => {
  it('makes the products that it names, with their first count of stock', async () => {
    const [one, other] = [freshSku(), freshSku()];
    const file = csvOf(
      ALL,
      `${one},"Lamp, 16""",Bright.,19.99,light,https://shop.example/a.png,,,3,true,12`,
      `${other},Candle,,5,,,,,,false,`,
    );
    expect(await take(file)).toEqual({ ...counts(2, 0, 0, 0), errors: [] });
    expect(await stored(one)).toMatchObject({
      name: 'Lamp, 16"',
      description: 'Bright.',
      price_minor: 1999,
      category: 'light',
      image_url: 'https://shop.example/a.png',
      storefront_id: null,
      parent_id: null,
      low_stock_threshold: 3,
      active: true,
      stock: 12,
      first_count: 12,
      version: 1,
    });
    expect(await stored(other)).toMatchObject({
      description: '',
      category: null,
      image_url: null,
      low_stock_threshold: 0,
      active: false,
      stock: 0,
      first_count: 0,
    });
  });

  it('changes the products that are there to what it says, but for their stock', async () => {
    const product = await admin.product({ stock: 5, category: 'light', description: 'Old.' });
    const file = csvOf(ALL, `${product.sku},Lamp II,,25,,,,,7,TRUE,99`);
    expect(await take(file)).toEqual({ ...counts(0, 1, 0, 0), errors: [] });
    expect(await admin.get(product.id)).toMatchObject({
      name: 'Lamp II',
      description: '',
      price: 25,
      category: null,
      low_stock_threshold: 7,
      stock: 5,
      version: 2,
    });
  });

  it('changes nothing the second time', async () => {
    const file = csvOf(
      ALL,
      ...Array.from({ length: 30 }, () => `${freshSku()},Lamp,Bright.,19.90,light,,,,3,true,12`),
    );
    expect(await take(file)).toMatchObject(counts(30, 0, 0, 0));
    const before = await catalog();
    expect(await take(file)).toEqual({ ...counts(0, 0, 30, 0), errors: [] });
    expect(await catalog()).toEqual(before);
  });

  it('may name its columns in any order, and only those that it is about', async () => {
    const product = await admin.product({ category: 'light', description: 'Old.', active: false });
    const file = csvOf('price,sku,name', `25,${product.sku},Lamp II`, `7.5,${freshSku()},Candle`);
    expect(await take(file)).toMatchObject(counts(1, 1, 0, 0));
    expect(await admin.get(product.id)).toMatchObject({
      name: 'Lamp II',
      price: 25,
      category: 'light',
      description: 'Old.',
      active: false,
    });
  });

  it('says nothing of a count or a switch where its cell is empty', async () => {
    const product = await admin.product({ low_stock_threshold: 9, active: false });
    expect(await take(csvOf(ALL, `${product.sku},Lamp,,19.90,,,,,,,`))).toMatchObject(counts(0, 0, 1, 0));
  });

  it.each([
    ['a byte order mark', (file: string) => `\ufeff${file}`],
    ['the line ends of Windows', (file: string) => file.replaceAll('\n', '\r\n')],
    ['the line ends of old Macs', (file: string) => file.replaceAll('\n', '\r')],
    ['mixed line ends', (file: string) => file.replace('\n', '\r\n')],
    ['no line end at its end', (file: string) => file.trimEnd()],
    ['empty lines', (file: string) => file.replaceAll('\n', '\n\n')],
    ['spaces around the names of its columns', (file: string) => file.replace('sku,name', ' sku , name ')],
  ])('may have %s', async (_, write) => {
    const sku = freshSku();
    expect(await take(write(csvOf('sku,name,price', `${sku},Lamp,10`)))).toMatchObject(counts(1, 0, 0, 0));
    expect(await stored(sku)).toMatchObject({ name: 'Lamp', price_minor: 1000 });
  });

  it('may come in the smallest pieces, cut within a letter', async () => {
    const sku = freshSku();
    const bytes = Buffer.from(
      csvOf('sku,name,price,description', `${sku},"Lämpchen 💡, ""hell""",10,"a\nb"`),
    );
    const answer = await importCsv(
      app,
      admin.user,
      Array.from(bytes, (byte) => Buffer.from([byte])),
    );
    expect(answer.body).toMatchObject(counts(1, 0, 0, 0));
    expect(await stored(sku)).toMatchObject({ name: 'Lämpchen 💡, "hell"', description: 'a\nb' });
  });

  it('finds a product whichever way the letters with marks of its sku are written', async () => {
    const sku = `TÜR-${freshSku()}`;
    const file = csvOf('sku,name,price,category', `${sku},Haustür,10,Türen`);
    expect(await take(file.normalize('NFD'))).toMatchObject(counts(1, 0, 0, 0));
    expect(await take(file.normalize('NFC'))).toMatchObject(counts(0, 0, 1, 0));
    expect(await take(file.normalize('NFD'))).toMatchObject(counts(0, 0, 1, 0));
    expect(await stored(sku.normalize('NFC'))).toMatchObject({ name: 'Haustür'.normalize('NFC') });
    const body = { sku: sku.normalize('NFD'), name: 'Tor', price: 1 };
    expectProblem(await admin.send('POST', '/products', { body }), 409, 'sku_taken');
  });

  it('finds products by storefront and sku', async () => {
    const { id } = mustBe(201, await admin.send('POST', '/admin/storefronts', { body: { name: 'Lamps' } }));
    const sku = freshSku();
    const file = csvOf('sku,name,price,storefront_id', `${sku},Lamp,10,${id}`, `${sku},Candle,10,`);
    expect(await take(file)).toMatchObject(counts(2, 0, 0, 0));
    expect(await take(file)).toMatchObject(counts(0, 0, 2, 0));
    expect(await admin.list(`?storefront_id=${id}`)).toMatchObject([{ name: 'Lamp', sku }]);
    const report = await take(csvOf('sku,name,price,storefront_id', `${sku},Lamp,10,999999`));
    expect(report).toEqual({
      ...counts(0, 0, 0, 1),
      errors: [{ row: 1, sku, code: 'not_found', error: 'storefront not found' }],
    });
  });

  it('may hold its header only', async () => {
    expect(await take(csvOf(ALL))).toEqual({ ...counts(0, 0, 0, 0), errors: [] });
  });
});

describe('a row that is wrong', () => {
  it('is reported with its number and its sku, and stops no other', async () => {
    const [good, late] = [freshSku(), freshSku()];
    const file = csvOf(
      ALL,
      'A-1,Lamp,,0,,,,,,,',
      `${good},Lamp,,10,,,,,,,`,
      'A-2,,,10,,,,,,,',
      ',Lamp,,10,,,,,,,',
      'A-3,Lamp,,"1,299.99",,,,,,,',
      'A-4,Lamp,,19.999,,,,,,,',
      'A-5,Lamp,,10,,javascript:alert(1),,,,,',
      'A-6,Lamp,,10,,,,,-1,,',
      'A-7,Lamp,,10,,,,,,perhaps,',
      'A-8,Lamp,,10,,,,,,,1e3',
      'A-9,Lamp,,10,,,one,,,,',
      'A-10,Lamp,10',
      `A-11,${'x'.repeat(201)},,10,,,,,,,`,
      'A-12,A\u0007B,,10,,,,,,,',
      `${late},Lamp,,10,,,,,,,`,
    );
    const report = await take(file);
    expect(report).toMatchObject(counts(2, 0, 0, 13));
    expect(report.errors.map(({ row, sku }: any) => [row, sku])).toEqual([
      [1, 'A-1'],
      [3, 'A-2'],
      [4, ''],
      [5, 'A-3'],
      [6, 'A-4'],
      [7, 'A-5'],
      [8, 'A-6'],
      [9, 'A-7'],
      [10, 'A-8'],
      [11, 'A-9'],
      [12, 'A-10'],
      [13, 'A-11'],
      [14, 'A-12'],
    ]);
    expect(new Set(report.errors.map(({ code }: any) => code))).toEqual(new Set(['validation_failed']));
    expect(report.errors[0].error).toBe('price must be a number greater than 0 and at most 1000000000');
    expect(report.errors[10].error).toBe('the row has 3 cells, not 11');
    expect(await stored(good)).toBeDefined();
    expect(await stored(late)).toBeDefined();
    expect(await stored('A-1')).toBeUndefined();
  });

  it('is one that is not UTF-8', async () => {
    const sku = freshSku();
    const file = Buffer.from(csvOf('sku,name,price', `LATIN,L\xe4mpchen,10`, `${sku},Lamp,10`), 'latin1');
    expect(await take(file)).toEqual({
      ...counts(1, 0, 0, 1),
      errors: [{ row: 1, sku: 'LATIN', code: 'validation_failed', error: 'the row is not UTF-8' }],
    });
    expect(await stored('LATIN')).toBeUndefined();
  });

  it.each([
    ['a quote that is not closed', '"Lamp,10', 'a quoted cell goes on after its quote'],
    ['a cell that goes on after its quote', '"La"mp,10', 'a quoted cell goes on after its quote'],
    ['a quote in the middle of a cell', '5" pipe,10', 'a quote stands in the middle of a cell'],
    [
      'a row of 1 MiB',
      `${'x'.repeat(1_048_576)},10`,
      'the row is longer than 100000 bytes, or a quote is not closed',
    ],
    [
      'a quoted cell of 1 MiB',
      `"${'x'.repeat(1_048_576)}",10`,
      'the row is longer than 100000 bytes, or a quote is not closed',
    ],
  ])('is one that is no CSV by %s, with its line, and all others are imported', async (_, row, fault) => {
    const [good, late, last] = [freshSku(), freshSku(), freshSku()];
    const file = csvOf(
      'sku,name,price',
      `${good},"Lamp",10`,
      '',
      'D-1,Lamp,0',
      `D-2,${row}`,
      `${late},"Lamp",10`,
      `${last},Lamp,10`,
    );
    for (const end of ['\n', '\r\n', '\r']) {
      const report = await take(file.replaceAll('\n', end));
      expect(report).toMatchObject({ rows: 5, created: end === '\n' ? 3 : 0, failed: 2 });
      expect(report.errors).toMatchObject([
        { row: 2, sku: 'D-1', code: 'validation_failed' },
        { row: 3, sku: null, code: 'malformed_csv', error: `line 5: ${fault}` },
      ]);
    }
    expect(await stored('D-2')).toBeUndefined();
    expect([await stored(good), await stored(late), await stored(last)]).not.toContain(undefined);
  });

  it('is the one in which a quote begins that nobody closes, and none after it', async () => {
    const before = freshSku();
    const rows = Array.from({ length: 800 }, () => `${freshSku()},${'x'.repeat(150)},10`);
    const report = await take(csvOf('sku,name,price', `${before},Lamp,10`, 'E-1,"Lamp,10', ...rows));
    expect(report).toEqual({
      ...counts(801, 0, 0, 1),
      errors: [
        {
          row: 2,
          sku: null,
          code: 'malformed_csv',
          error: 'line 3: the row is longer than 100000 bytes, or a quote is not closed',
        },
      ],
    });
  });

  it('is one whose product an earlier row has named, however far before', async () => {
    const twice = freshSku();
    const between = Array.from({ length: 1_200 }, () => `${freshSku()},Lamp,10`);
    const file = csvOf('sku,name,price', `${twice},First,10`, ...between, `${twice},Second,10`);
    const report = await take(file);
    expect(report).toEqual({
      ...counts(1_201, 0, 0, 1),
      errors: [
        {
          row: 1_202,
          sku: twice,
          code: 'duplicate_row',
          error: `the sku ${twice} is named by an earlier row`,
        },
      ],
    });
    expect(await stored(twice)).toMatchObject({ name: 'First' });
    expect(await take(file)).toMatchObject(counts(0, 0, 1_201, 1));
  });

  it('is shown with the first thousand of its kind, and counted with all', async () => {
    const report = await take(
      csvOf('sku,name,price', ...Array.from({ length: 1_600 }, (_, i) => `B-${i},Lamp,0`)),
    );
    expect(report).toMatchObject(counts(0, 0, 0, 1_600));
    expect(report.errors.map(({ row }: any) => row)).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
  });
});

describe('variants in a file', () => {
  it('come after their parent, in the same batch or later, and find it again', async () => {
    const [parent, red, late] = [freshSku(), freshSku(), freshSku()];
    const between = Array.from({ length: 600 }, () => `${freshSku()},Lamp,10,,`);
    const file = csvOf(
      'sku,name,price,parent_sku,stock',
      `${parent},Shirt,10,,`,
      `${red},Red shirt,12,${parent},4`,
      ...between,
      `${late},Blue shirt,13,${parent},6`,
    );
    expect(await take(file)).toMatchObject(counts(603, 0, 0, 0));
    const { id } = (await stored(parent)) as { id: number };
    expect(await admin.getAsPublic(id)).toMatchObject({
      stock: 10,
      variants: [{ sku: red, price: 12 }, { sku: late }],
    });
    expect(await take(file)).toMatchObject(counts(0, 0, 603, 0));
  });

  it('are refused before their parent, without one, under a variant, and when they would change it', async () => {
    const parent = await admin.product();
    const variant = await admin.variant(parent.id);
    const single = await admin.product();
    const [later, early] = [freshSku(), freshSku()];
    const report = await take(
      csvOf(
        'sku,name,price,parent_sku',
        `${early},Shirt,10,${later}`,
        `${later},Shirt,10,`,
        `C-1,Shirt,10,NOWHERE`,
        `C-2,Shirt,10,${variant.sku}`,
        `C-3,Shirt,10,C-3`,
        `${variant.sku},Shirt,10,`,
        `${single.sku},Lamp,10,${parent.sku}`,
        `${variant.sku}-2,Shirt,10,${later}`,
        `C-4,Shirt,10,${variant.sku}-2`,
      ),
    );
    expect(report).toMatchObject(counts(2, 0, 0, 7));
    expect(report.errors.map(({ row, code }: any) => [row, code])).toEqual([
      [1, 'not_found'],
      [3, 'not_found'],
      [4, 'variant_of_variant'],
      [5, 'not_found'],
      [6, 'validation_failed'],
      [7, 'validation_failed'],
      [9, 'variant_of_variant'],
    ]);
  });

  it('have their parent in their own storefront', async () => {
    const { id } = mustBe(201, await admin.send('POST', '/admin/storefronts', { body: { name: 'Lamps' } }));
    const [parent, variant] = [freshSku(), freshSku()];
    const report = await take(
      csvOf(
        'sku,name,price,parent_sku,storefront_id',
        `${parent},Shirt,10,,${id}`,
        `${variant},Shirt,10,${parent},`,
        `${variant},Shirt,10,${parent},${id}`,
      ),
    );
    expect(report).toMatchObject(counts(2, 0, 0, 1));
    expect(report.errors).toMatchObject([{ row: 2, code: 'not_found' }]);
  });

  it('are a hundred of one product at most', async () => {
    const parent = freshSku();
    const variants = Array.from({ length: 101 }, () => `${freshSku()},Shirt,10,${parent}`);
    const report = await take(csvOf('sku,name,price,parent_sku', `${parent},Shirt,10,`, ...variants));
    expect(report).toMatchObject(counts(101, 0, 0, 1));
    expect(report.errors).toMatchObject([{ row: 102, code: 'too_many_variants' }]);
    const more = await take(csvOf('sku,name,price,parent_sku', `${freshSku()},Shirt,10,${parent}`));
    expect(more.errors).toMatchObject([{ code: 'too_many_variants' }]);
  });
});

describe('a file that is wrong as a whole', () => {
  it.each([
    ['sku,name,price,colour', 'colour', 'colour is not a known column'],
    ['sku,name', 'price', 'the column price is missing'],
    ['name,price', 'sku', 'the column sku is missing'],
    ['sku,price', 'name', 'the column name is missing'],
    ['sku,name,price,sku', 'sku', 'the column sku is there twice'],
    ['SKU,name,price,sku', 'SKU', 'SKU is not a known column'],
    ['sku,name,price,', '', ' is not a known column'],
    ['id,sku,name,price', 'id', 'id is not a known column'],
  ])('by its header %s changes nothing', async (header, field, message) => {
    const sku = freshSku();
    const answer = await send(csvOf(header, `${sku},Lamp,10,10,10`));
    expectProblem(answer, 400, 'validation_failed', message);
    expect(answer.body.errors).toEqual([{ field, message }]);
    expect(await stored(sku)).toBeUndefined();
  });

  it('is one that is empty', async () => {
    for (const file of ['', '\n\n', '\ufeff']) expectProblem(await send(file), 400, 'validation_failed');
  });

  it.each([
    ['a quote in its header that is not closed', 'sku,"name,price', 'line 1: a quote is not closed'],
    ['an encoding of two bytes', Buffer.from('\ufeffsku,name,price', 'utf16le'), 'the file is UTF-16'],
  ])('by %s changes nothing', async (_, header, sentence) => {
    const answer = await send(Buffer.concat([Buffer.from(header as string), Buffer.from('\nF-1,Lamp,10\n')]));
    expectProblem(answer, 400, 'malformed_csv');
    expect(answer.body.error).toContain(sentence);
    expect(answer.body).toMatchObject({ line: 1, ...counts(0, 0, 0, 0), errors: [] });
  });

  it('by more than a thousand rows that are no CSV is imported up to there', async () => {
    const good = freshSku();
    const answer = await send(csvOf('sku,name,price', `${good},Lamp,10`, ...Array(2_000).fill('a","')));
    expectProblem(answer, 400, 'malformed_csv');
    expect(answer.body.error).toBe(
      'line 1003: more than 1000 rows are no CSV; the rows before that are imported',
    );
    expect(answer.body).toMatchObject({ ...counts(1, 0, 0, 1_000), line: 1_003 });
    expect(await stored(good)).toBeDefined();
  });

  it('is one of another type, of none, or without any', async () => {
    for (const type of ['application/json', 'text/plain', 'application/vnd.ms-excel']) {
      const answer = await send('{}', { 'Content-Type': type });
      expectProblem(answer, 415, 'unsupported_media_type', 'the body must be text/csv');
    }
    const answer = await admin.send('POST', '/products/import');
    expectProblem(answer, 415, 'unsupported_media_type', 'the body must be text/csv');
  });

  it('is one that is said to be in another encoding', async () => {
    const sku = freshSku();
    const file = Buffer.from(csvOf('sku,name,price', `${sku},L\xe4mpchen,10`), 'latin1');
    for (const charset of ['iso-8859-1', '"windows-1252"', 'UTF-16LE', 'shift_jis; header=present']) {
      const answer = await send(file, { 'Content-Type': `text/csv; charset=${charset}` });
      expectProblem(answer, 415, 'unsupported_media_type', 'the body must be text/csv in UTF-8');
    }
    expect(await stored(sku)).toBeUndefined();
    for (const said of [
      'charset=UTF-8',
      'header=present; charset="utf-8"',
      'charset=us-ascii',
      'charset=utf8',
    ])
      mustBe(
        200,
        await send(csvOf('sku,name,price', `${sku},Lamp,10`), { 'Content-Type': `text/csv; ${said}` }),
      );
    expect(await stored(sku)).toMatchObject({ name: 'Lamp' });
  });

  it('is one that is said to be beyond 64 MiB', async () => {
    const told = await new Promise<number>((resolve, reject) => {
      const headers = { ...admin.user.headers, 'Content-Type': 'text/csv', 'Content-Length': '67108865' };
      const outgoing = request(`${app.url}/api/v1/products/import`, {
        method: 'POST',
        agent: false,
        headers,
      });
      outgoing.on('response', (incoming) => {
        resolve(incoming.statusCode as number);
        outgoing.destroy();
      });
      outgoing.on('error', reject);
      outgoing.flushHeaders();
    });
    expect(told).toBe(413);
  });

  it('is not taken from anybody but admins', async () => {
    const file = csvOf('sku,name,price', `${freshSku()},Lamp,10`);
    expect((await importCsv(app, null, file)).status).toBe(401);
    expect((await importCsv(app, (await givenShopper(app)).user, file)).status).toBe(403);
  });
});

it('no other route takes CSV', async () => {
  const answer = await admin.send('POST', '/products', {
    body: 'a,b',
    headers: { 'Content-Type': 'text/csv' },
  });
  expectProblem(answer, 415, 'unsupported_media_type', 'the body must be application/json');
});

describe('a file of any length', () => {
  it('is read no further than it is imported, a batch ahead at most', async () => {
    const prefix = freshSku();
    const PIECE = 250;
    const made = async () => {
      const text = 'SELECT count(*)::int AS made FROM products WHERE sku LIKE $1';
      return (await database.sql(text, [`${prefix}-%`]))[0]!.made as number;
    };
    let ahead = 0;
    async function* file() {
      yield Buffer.from('sku,name,price\n');
      for (let from = 0; from < 5_000; from += PIECE) {
        const lines = Array.from({ length: PIECE }, (_, index) => `${prefix}-${from + index},Lamp,10\n`);
        yield Buffer.from(lines.join(''));
        ahead = Math.max(ahead, from + PIECE - (await made()));
      }
    }
    const report = await app.app.get(ProductImportService).import(file());
    expect(report).toMatchObject(counts(5_000, 0, 0, 0));
    expect(ahead).toBeLessThanOrEqual(500);
    expect(await made()).toBe(5_000);
  });
});

describe('a client that hangs up', () => {
  it('leaves whole batches', async () => {
    const other = await bootApp(database);
    const prefix = freshSku();
    const line = (index: number) => `${prefix}-${index},Lamp,10\n`;
    const headers = { ...admin.user.headers, 'Content-Type': 'text/csv' };
    const outgoing = request(`${other.url}/api/v1/products/import`, {
      method: 'POST',
      agent: false,
      headers,
    });
    outgoing.on('error', () => undefined);
    outgoing.write(`sku,name,price\n${Array.from({ length: 1_300 }, (_, index) => line(index)).join('')}`);
    const made = async () => {
      const text = 'SELECT count(*)::int AS made FROM products WHERE sku LIKE $1';
      return (await database.sql(text, [`${prefix}-%`]))[0]!.made as number;
    };
    await eventually(async () => (await made()) >= 1_000, { what: 'the second batch' });
    outgoing.destroy();
    // It waits for all that is under way.
    await other.close();
    expect(await made()).toBe(1_000);
  });
});

describe('a service that stops', () => {
  it('imports no further, and says how far it has come', async () => {
    const other = await bootApp(database);
    const prefix = freshSku();
    let goOn = () => {};
    const stopped = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const lines = (from: number) =>
      Array.from({ length: 600 }, (_, index) => `${prefix}-${from + index},Lamp,10\n`).join('');
    async function* file() {
      yield `sku,name,price\n${lines(0)}`;
      await stopped;
      yield lines(600);
    }
    const importing = importCsv(other, admin.user, file());
    await eventually(async () => (await stored(`${prefix}-499`)) !== undefined, { what: 'the first batch' });
    const closing = other.close();
    goOn();
    const answer = await importing;
    expectProblem(answer, 503, 'import_interrupted');
    expect(answer.body).toMatchObject(counts(500, 0, 0, 0));
    await closing;
  });
});

describe('files and others who change the catalog', () => {
  it('make one product of one row when they come at the same moment, over two processes', async () => {
    const other = await bootApp(database, PATIENT);
    const rows = Array.from({ length: 700 }, () => `${freshSku()},Lamp,10,3`);
    const file = csvOf('sku,name,price,stock', ...rows);
    const backwards = csvOf('sku,name,price,stock', ...rows.toReversed());
    const answers = await Promise.all([
      send(file),
      importCsv(other, admin.user, backwards),
      send(backwards),
      importCsv(other, admin.user, file),
    ]);
    const reports = answers.map((answer) => mustBe(200, answer));
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(700);
    for (const report of reports)
      expect(report).toEqual({ ...counts(report.created, 0, 700 - report.created, 0), errors: [] });
    expect(await take(file)).toMatchObject(counts(0, 0, 700, 0));
    await other.close();
  });

  /** Three files with one parent, its variant and a lamp, which all of them find missing; the last one has other prices. */
  async function givenThreeAtOnce(to: TestApp) {
    const [parent, variant, lamp] = [freshSku(), freshSku(), freshSku()];
    const file = (price: number) =>
      csvOf(
        'sku,name,price,parent_sku',
        `${parent},Shirt,10,`,
        `${variant},Red shirt,${price},${parent}`,
        'G-1,Lamp,0,',
        `${lamp},Lamp,${price},`,
      );
    const held = await givenHeldLock(
      database,
      `INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES ($1, 'Shirt', 1000, 0, 0)`,
      [parent],
    );
    const importing = [11, 11, 12].map((price) => importCsv(to, admin.user, file(price)));
    await untilWaiting(database, 3);
    await held.release();
    return (await Promise.all(importing)).map((answer) => mustBe(200, answer));
  }

  it('find what another one makes in the same moment, with its variants', async () => {
    const reports = await givenThreeAtOnce(app);
    const wrong = [{ row: 3, sku: 'G-1', code: 'validation_failed' }];
    for (const report of reports) expect(report).toMatchObject({ rows: 4, failed: 1, errors: wrong });
    expect(reports.reduce((sum, { created }) => sum + created, 0)).toBe(3);
    // Each of the others has found the parent as it is, and the rest as it is or with another price.
    expect(reports.reduce((sum, { updated, unchanged }) => sum + updated + unchanged, 0)).toBe(6);
    expect(reports.reduce((sum, { updated }) => sum + updated, 0)).toBeGreaterThan(0);
  });

  it('(control) fail at what another one makes in the same moment when nobody looks again', async () => {
    const hasty = await bootApp(database, PATIENT, (nest) => {
      const imports: any = nest.get(ProductImportService);
      imports.importRows = async (rows: unknown[]) => {
        const { lost, ...outcome } = await nest
          .get(DatabaseService)
          .transaction((tx): Promise<any> => imports.importBatch(rows, tx));
        const refused = lost.map(({ from, error }: any) => ({ row: from.row, sku: from.product.sku, error }));
        return [outcome, { refused }];
      };
    });
    const reports = await givenThreeAtOnce(hasty);
    const codes = reports.flatMap(({ errors }) => errors.map(({ code }: any) => code));
    expect(codes.filter((code) => code === 'sku_taken')).toHaveLength(4);
    expect(codes.filter((code) => code === 'not_found')).toHaveLength(2);
    await hasty.close();
  });

  it('leave no variant with a parent that is deleted in the same moment', async () => {
    const parent = await admin.product();
    const held = await givenHeldLock(database, 'SELECT FROM products WHERE id = $1 FOR UPDATE', [parent.id]);
    const sku = freshSku();
    const importing = take(csvOf('sku,name,price,parent_sku', `${sku},Shirt,10,${parent.sku}`));
    await untilWaiting(database);
    const deleting = admin.send('DELETE', `/products/${parent.id}`);
    await untilWaiting(database, 2);
    await held.release();
    expect((await deleting).status).toBe(204);
    const report = await importing;
    expect(report.created + report.failed).toBe(1);
    expect(await stored(sku)).toBeUndefined();
  });

  it('(control) leave one when nobody holds the parent', async () => {
    const parent = await admin.product();
    const unguarded = await bootApp(database, {}, (nest) => {
      nest.get(ProductRepository).lock = async () => [];
      const repository = nest.get(CatalogFileRepository);
      const findByKeys = repository.findByKeys.bind(repository);
      let looks = 0;
      repository.findByKeys = async (keys, tx) => {
        const found = await findByKeys(keys, tx);
        looks += 1;
        // The second look is the one that it goes by.
        if (looks === 2) expect((await admin.send('DELETE', `/products/${parent.id}`)).status).toBe(204);
        return found;
      };
    });
    const sku = freshSku();
    const file = csvOf('sku,name,price,parent_sku', `${sku},Shirt,10,${parent.sku}`);
    mustBe(200, await importCsv(unguarded, admin.user, file));
    expect(await stored(sku)).toMatchObject({ parent_id: parent.id });
    await database.sql('UPDATE products SET deleted_at = now() WHERE sku = $1', [sku]);
    await unguarded.close();
  });

  it('change prices while the products are sold, and no piece is lost', async () => {
    const products = await times(20, () => admin.product({ stock: 10 }));
    const shoppers = await times(5, () => givenShopper(app));
    const buying = shoppers.map(async (shopper, index) => {
      for (let round = 0; round < 5; round++) {
        const items = [0, 7, 13].map((step) => ({
          product_id: products[(index + round + step) % 20].id,
          quantity: 1,
        }));
        expect((await shopper.place(items)).status).toBe(201);
      }
    });
    const importing = (async () => {
      for (let round = 0; round < 4; round++) {
        const rows = products.map(({ sku }) => `${sku},Lamp,${20 + round},50`);
        expect(await take(csvOf('sku,name,price,stock', ...rows))).toMatchObject({ failed: 0, updated: 20 });
      }
    })();
    await Promise.all([...buying, importing]);
    const [row] = await database.sql('SELECT sum(stock)::int AS left FROM products WHERE id = ANY($1)', [
      products.map(({ id }) => id),
    ]);
    expect(row!.left).toBe(20 * 10 - 5 * 5 * 3);
  });
});

describe('the catalog as a file', () => {
  it('has one header and every product, with what is told of it', async () => {
    const own = await cloneDatabase();
    const ownApp = await bootApp(own);
    const merchant = await Merchant.at(ownApp, own);
    const parent = await merchant.product({
      sku: 'SHIRT',
      name: 'Shirt',
      description: 'a\r\nb, "c"',
      stock: 2,
    });
    await merchant.variant(parent.id, {
      sku: 'SHIRT-RED',
      name: 'Red',
      price: 0.01,
      stock: 4,
      active: false,
    });
    const gone = await merchant.product();
    await merchant.send('DELETE', `/products/${gone.id}`);
    const answer = await fetch(`${ownApp.url}/api/v1/products/export`, { headers: merchant.user.headers });
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="products.csv"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const text = await answer.text();
    expect(text.split('\n').slice(0, 2)).toEqual([
      ALL,
      'LAPTOP-001,Laptop,A light 14-inch laptop with a long battery life.,1299.99,computers,,,,10,true,100',
    ]);
    expect(text).toContain('\nSHIRT,Shirt,"a\r\nb, ""c""",19.9,,,,,0,true,2\n');
    expect(text).toMatch(/\nSHIRT-RED,Red,"a\r\nb, ""c""",0.01,,,,SHIRT,0,false,4\n$/);
    expect(text).not.toContain(gone.sku);
    await ownApp.close();
    await own.drop();
  });

  it('is imported again without changing anything, whatever is in it', async () => {
    const own = await cloneDatabase();
    const ownApp = await bootApp(own);
    const merchant = await Merchant.at(ownApp, own);
    const { id } = mustBe(
      201,
      await merchant.send('POST', '/admin/storefronts', { body: { name: 'Lamps' } }),
    );
    for (const name of [
      "'",
      "''",
      '=1+1',
      "'=1+1",
      "''=1",
      '+1',
      '-1',
      '@x',
      "'a",
      '＝1',
      '"',
      '""',
      ',',
      ';',
      'ß💡',
    ])
      await merchant.product({
        sku: `S${name}`,
        name,
        description: `${name}\n\r\n\t`,
        category: name,
        storefront_id: id,
      });
    for (const description of [
      '\tx',
      '\r\nx',
      '\n',
      ' x ',
      "'\t",
      'x'.repeat(10_000),
      '"'.repeat(10_000),
      '💡'.repeat(10_000),
    ])
      await merchant.product({ description });
    const parent = await merchant.product({ storefront_id: id, price: 1_000_000_000, stock: 2 ** 31 - 1 });
    await merchant.variant(parent.id, { image_url: 'https://shop.example/?a=b,c', low_stock_threshold: 5 });
    const rowsOf = () => own.sql('SELECT * FROM products ORDER BY id');
    const before = await rowsOf();
    const file = await exportCsv(ownApp, merchant.user);
    const report = mustBe(200, await importCsv(ownApp, merchant.user, file));
    expect(report).toEqual({ ...counts(0, 0, before.length, 0), errors: [] });
    expect(await rowsOf()).toEqual(before);
    // No cell of the file is a formula.
    const cells: string[] = parse(file).flat();
    expect(cells.filter((cell) => /^[=+\-@＝\t\r\n]/.test(cell))).toEqual([]);
    await own.sql('DELETE FROM products');
    expect(mustBe(200, await importCsv(ownApp, merchant.user, file))).toMatchObject(
      counts(before.length, 0, 0, 0),
    );
    expect(await exportCsv(ownApp, merchant.user)).toBe(file);
    await ownApp.close();
    await own.drop();
  });

  it('is read page by page, each product once', async () => {
    await database.sql(
      `INSERT INTO products (sku, name, price_minor, stock, first_count)
       SELECT 'PAGE-' || i, 'Lamp', 100, 0, 0 FROM generate_series(1, 2500) i`,
    );
    const skus = (await exportCsv(app, admin.user)).match(/^PAGE-\d+/gm);
    expect(skus).toEqual(Array.from({ length: 2_500 }, (_, index) => `PAGE-${index + 1}`));
  });

  it('is for admins only', async () => {
    const shopper = await givenShopper(app);
    expect((await shopper.send('GET', '/products/export')).status).toBe(403);
    expect((await admin.asPublic('GET', '/products/export')).status).toBe(401);
  });
});
