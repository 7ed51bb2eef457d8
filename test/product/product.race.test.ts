import { Statement } from '../../src/platform/database/statement.js';
import { type Inserted, ProductRepository } from '../../src/product/product.repository.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { givenAdmin } from '../support/given.js';

let database: TestDatabase;
const apps: TestApp[] = [];

beforeAll(async () => {
  database = await cloneDatabase();
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await database.drop();
});

async function givenApp(arrange: (repository: ProductRepository) => void = () => undefined) {
  const app = await bootApp(database, {}, (nest) => arrange(nest.get(ProductRepository)));
  apps.push(app);
  const { token } = await givenAdmin(app, database);
  return async (method: 'POST' | 'PATCH', path: string, body: object) => {
    const answer = await fetch(`${app.url}/api/v1/products${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    return {
      status: answer.status,
      body: (await answer.json()) as { id: number; version: number; code: string },
    };
  };
}

const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));

const codesOf = (answers: { status: number; body: { code?: string } }[]) =>
  answers.map(({ status, body }) => (status < 300 ? status : `${status} ${body.code}`)).sort();

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

let sku = 0;
const wish = () => ({ sku: `RACE-${++sku}`, name: 'Lamp', price: 10 });

describe('simultaneous changes made from one version', () => {
  it('change the product once; the others are told that it has changed', async () => {
    const call = await givenApp();
    const { id } = (await call('POST', '', wish())).body;
    const answers = await times(8, (index) => call('PATCH', `/${id}`, { version: 1, price: 20 + index }));
    expect(codesOf(answers)).toEqual([200, ...Array<string>(7).fill('409 version_conflict')]);
    expect(await database.sql('SELECT version FROM products WHERE id = $1', [id])).toEqual([{ version: 2 }]);
  });

  it('overwrite each other when the version is only looked at beforehand', async () => {
    const bothHaveLooked = meeting(2);
    const call = await givenApp((repository) => {
      repository.change = async ([change], tx) => {
        const { id, version, wish } = change!;
        const [row] = await repository.find([id], tx);
        await bothHaveLooked();
        if (row?.version !== version) return [];
        await setPrice.run([id, wish.price_minor], tx);
        return [id];
      };
    });
    const { id } = (await call('POST', '', wish())).body;
    const answers = await times(2, (index) => call('PATCH', `/${id}`, { version: 1, price: 20 + index }));
    expect(codesOf(answers)).toEqual([200, 200]);
  });
});

const setPrice = new Statement(
  'race-set-price',
  'UPDATE products SET price_minor = $2, version = version + 1 WHERE id = $1',
);

describe('simultaneous changes without a version', () => {
  it('all happen, and each raises the version by one', async () => {
    const call = await givenApp();
    const { id } = (await call('POST', '', wish())).body;
    const changes = [{ name: 'A lamp' }, { price: 11 }, { category: 'light' }, { description: 'Bright.' }];
    const answers = await times(4, (index) => call('PATCH', `/${id}`, changes[index]!));
    expect(answers.map(({ body }) => body.version).sort()).toEqual([2, 3, 4, 5]);
    const columns = 'name, price_minor, category, description, version';
    expect(await database.sql(`SELECT ${columns} FROM products WHERE id = $1`, [id])).toEqual([
      { name: 'A lamp', price_minor: 1100, category: 'light', description: 'Bright.', version: 5 },
    ]);
  });
});

describe('simultaneous creates of one sku', () => {
  it('make one product; the others are told that the sku is taken', async () => {
    const call = await givenApp();
    const product = wish();
    const answers = await times(8, () => call('POST', '', product));
    expect(codesOf(answers)).toEqual([201, ...Array<string>(7).fill('409 sku_taken')]);
    expect(await database.sql('SELECT FROM products WHERE sku = $1', [product.sku])).toHaveLength(1);
  });

  it('and simultaneous renames to one sku leave one product with it', async () => {
    const call = await givenApp();
    const made = await times(4, () => call('POST', '', wish()));
    const taken = wish().sku;
    const answers = await Promise.all(made.map(({ body }) => call('PATCH', `/${body.id}`, { sku: taken })));
    expect(codesOf(answers)).toEqual([200, ...Array<string>(3).fill('409 sku_taken')]);
  });

  it('make two when the sku is only looked for beforehand', async () => {
    const bothHaveLooked = meeting(2);
    const call = await givenApp((repository) => {
      repository.insert = async ([product], tx) => {
        const { sku, name, price_minor } = product!;
        const taken = await findSku.first([sku], tx);
        await bothHaveLooked();
        return taken ? [] : insertAnyhow.run([sku, name, price_minor], tx);
      };
    });
    await database.sql('DROP INDEX products_sku_key');
    const product = wish();
    expect(codesOf(await times(2, () => call('POST', '', product)))).toEqual([201, 201]);
  });
});

const findSku = new Statement('race-find-sku', 'SELECT id FROM products WHERE sku = $1');
const insertAnyhow = new Statement<Inserted>(
  'race-insert-anyhow',
  'INSERT INTO products (sku, name, price_minor, stock, first_count) VALUES ($1, $2, $3, 0, 0) RETURNING *',
);
