import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { loadConfig } from '../src/platform/config/config.js';
import { connect } from '../src/platform/database/connection.js';
import { DatabaseService } from '../src/platform/database/database.service.js';
import { startEmbeddedPostgres } from '../src/platform/database/embedded-postgres.js';
import { Replicas } from '../src/platform/database/replicas.js';
import { Metrics } from '../src/platform/observability/metrics.service.js';
import { CatalogRepository } from '../src/product/catalog.repository.js';
import { CommonSearchRepository } from '../src/product/common-search.repository.js';
import type { ProductFilter, ProductSort } from '../src/product/product.types.js';
import { SearchRepository } from '../src/product/search.repository.js';
import { percentile } from './closed-loop.js';
import { getRequest, HttpClient, postRequest } from './http-client.js';
import { readOptions } from './options.js';
import { describeMachine } from './report.js';
import { fillScaleRoom, type Size, usersOf } from './scale-room.js';
import { Service } from './service.js';
import { migrate } from './shop.js';

const SMALL: Size = { products: 1_000, lines: 5_000 };
const LARGE: Size = { products: 1_000_000, lines: 5_000_000 };
const TURNS = 60;
const WARM_UP_TURNS = 15;
const WANTED_RATIO = 2;

/** One shop of the two, with everything that is asked of it. */
interface Side {
  size: Size;
  catalog: CatalogRepository;
  service: Service;
  close(): Promise<void>;
}

/** Something whose time must not depend on how large the shop is. `turn` makes each call another one. */
interface Question {
  name: string;
  /** False for what is told and not bounded: it has to look at everything. */
  isBounded: boolean;
  statement?(side: Side, turn: number): Promise<unknown>;
  request(side: Side, turn: number): string;
}

const sellable = ({ size }: Side, turn: number) => 10 * (1 + ((turn * 7_919) % (size.products / 10 - 2))) + 5;
const page = (members: Partial<ProductFilter>, sort: ProductSort) => (side: Side) =>
  side.catalog.list({ with_inactive: false, ...members }, sort, null, 21);
const listed = (query: string) => () => getRequest(`/api/v1/products?limit=20${query}`);
const found = (name: string, q: string): Question => ({
  name,
  isBounded: true,
  statement: page({ q }, 'relevance'),
  request: listed(`&q=${encodeURIComponent(q)}`),
});

const run = `scale-${process.pid}`;
let orders = 0;
const order = (name: string, product: (side: Side, turn: number) => number): Question => ({
  name,
  isBounded: true,
  request: (side, turn) => {
    orders += 1;
    const user = 1 + ((turn * 31) % usersOf(side.size));
    const body = `{"items":[{"product_id":${product(side, turn)},"quantity":1}]}`;
    const credential = `Authorization: Bearer ${side.service.tokenFor(user)}`;
    return postRequest('/api/v1/orders', credential, `${run}-${orders}`, body);
  },
});

const QUESTIONS: Question[] = [
  { name: 'list of 20', isBounded: true, statement: page({}, 'id'), request: listed('') },
  { name: 'list by price', isBounded: true, statement: page({}, 'price'), request: listed('&sort=price') },
  {
    name: 'list of a category',
    isBounded: true,
    statement: page({ category: 'category-40' }, 'id'),
    request: listed('&category=category-40'),
  },
  {
    name: 'list within two prices',
    isBounded: true,
    statement: page({ min_price_minor: 100_000, max_price_minor: 100_100 }, 'price'),
    request: listed('&sort=price&min_price=1000&max_price=1001'),
  },
  found('search, one product', 'M515'),
  found('search, two words', 'steel lamp'),
  found('search, common in names', 'steel'),
  found('search, in all', 'thing'),
  found('search, typing error', 'keybaord'),
  {
    name: 'detail',
    isBounded: true,
    statement: (side, turn) => side.catalog.find(sellable(side, turn)),
    request: (side, turn) => getRequest(`/api/v1/products/${sellable(side, turn)}`),
  },
  order('order, hot', () => 15),
  order('order, spread', sellable),
  {
    name: 'count of all (count=true)',
    isBounded: false,
    statement: (side) => side.catalog.count({ with_inactive: false }),
    request: listed('&count=true'),
  },
];

async function openSide(url: string, folder: string, size: Size, nodeArguments: string[]): Promise<Side> {
  await migrate(url);
  const postgres = new pg.Client({ connectionString: url });
  await postgres.connect();
  await fillScaleRoom(postgres, size);
  await postgres.end();
  return connectSide(url, folder, size, nodeArguments);
}

/** The service reads everything each time: the cache has lines of its own in the other benchmark. */
async function connectSide(url: string, folder: string, size: Size, nodeArguments: string[]): Promise<Side> {
  const settings = { PRODUCT_CACHE_MS: '0', AUDIT_SECONDS: '86400' };
  const config = loadConfig({ DATABASE_URL: url });
  const sequelize = connect(url, config);
  const service = await Service.start(url, folder, nodeArguments, settings);
  const replicas = new Replicas(new DatabaseService(sequelize, config), config, new Metrics());
  const catalog = new CatalogRepository(
    replicas,
    new SearchRepository(replicas),
    new CommonSearchRepository(replicas),
  );
  const close = async () => {
    await service.stop();
    await sequelize.close();
  };
  return { size, catalog, service, close };
}

/** Both shops take turns, call by call, so that what else the machine does meets both alike. */
async function medians(
  sides: Side[],
  ask: (side: Side, turn: number) => Promise<unknown>,
): Promise<number[]> {
  const times = sides.map((): number[] => []);
  for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
    for (const [index, side] of sides.entries()) {
      const start = performance.now();
      await ask(side, turn);
      if (turn >= WARM_UP_TURNS) times[index]?.push(performance.now() - start);
    }
  }
  return times.map((each) => percentile(Float64Array.from(each).sort(), 0.5));
}

async function overHttp(sides: Side[], { name, request }: Question): Promise<number[]> {
  let next = '';
  const clients = new Map(sides.map((side) => [side, new HttpClient(side.service.port, () => next)]));
  try {
    return await medians(sides, async (side, turn) => {
      next = request(side, turn);
      const status = await clients.get(side)?.call();
      if (status !== 200 && status !== 201) throw new Error(`${name} was answered ${status}`);
    });
  } finally {
    for (const client of clients.values()) await client.close();
  }
}

const COLUMNS: [string, number][] = [
  ['', 26],
  ['1,000 ms', 9],
  ['1,000,000 ms', 12],
  ['ratio', 6],
  ['over HTTP ms', 12],
  ['ms', 8],
  ['ratio', 6],
  ['wanted', 16],
];

function tell(cells: string[]): void {
  console.log(
    cells
      .map((cell, index) =>
        index === 0 ? cell.padEnd(COLUMNS[0]?.[1] ?? 0) : cell.padStart(COLUMNS[index]?.[1] ?? 0),
      )
      .join('  '),
  );
}

function figuresOf(measured: number[] | null): { cells: string[]; ratio: number } {
  if (measured === null) return { cells: ['', '', ''], ratio: 0 };
  const [small = Number.NaN, large = Number.NaN] = measured;
  return { cells: [small.toFixed(2), large.toFixed(2), (large / small).toFixed(2)], ratio: large / small };
}

async function compare(sides: Side[], only: string): Promise<void> {
  tell(COLUMNS.map(([name]) => name));
  for (const question of QUESTIONS.filter(({ name }) => name.includes(only))) {
    const { statement } = question;
    const stated = figuresOf(statement ? await medians(sides, statement) : null);
    const asked = figuresOf(await overHttp(sides, question));
    // What a client waits for decides; its statements alone tell where the time goes.
    const isKept = asked.ratio <= WANTED_RATIO;
    const verdict = question.isBounded ? `at most ${WANTED_RATIO}: ${isKept ? 'OK' : 'MISSED'}` : '';
    tell([question.name, ...stated.cells, ...asked.cells, verdict]);
  }
}

/** One run: fill a small shop and a large one, ask both the same, and compare. */
async function measureScale(): Promise<void> {
  const { folder: parent, only, serviceNodeArguments } = readOptions(process.env);
  console.log(await describeMachine(parent));
  const folder = await mkdtemp(join(parent ?? tmpdir(), 'holdfast-scale-'));
  const server = await startEmbeddedPostgres({ dataDir: folder, port: 0, password: 'holdfast-bench' });
  const sides: Side[] = [];
  try {
    for (const [name, size] of Object.entries({ small: SMALL, large: LARGE })) {
      const { products, lines } = size;
      console.log(
        `Filling ${products.toLocaleString('en')} products, ${lines.toLocaleString('en')} order lines...`,
      );
      const root = new pg.Client({ connectionString: server.url });
      await root.connect();
      await root.query(`CREATE DATABASE ${name}`);
      await root.end();
      const url = server.url.replace(/\/[^/]*$/, `/${name}`);
      sides.push(await openSide(url, join(folder, `service-${name}`), size, serviceNodeArguments));
    }
    console.log('');
    await compare(sides, only);
  } finally {
    for (const side of sides) await side.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

await measureScale();
