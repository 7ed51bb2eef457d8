import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { HandWritten } from './by-hand.js';
import { type Client, type Measurement, measure } from './closed-loop.js';
import { getRequest, HttpClient, postRequest } from './http-client.js';
import type { Options } from './options.js';
import { findBrokenByOrders, readBooks } from './promises.js';
import type { Shop } from './shop.js';
import { PRODUCTS, USERS } from './stock-room.js';

const BASE_PATH = '/api/v1';
const HOT_PRODUCT = 1;
const QUANTITY = 1;
const HAND_WRITTEN_POOL_MAX = 64;

const ORDERS = ['orders, hot', 'orders, spread', 'by hand, hot', 'by hand, spread'] as const;
const READS = ['list of 20', 'detail, hot', 'detail, spread', 'nothing, GET'] as const;
export const LOADS = [...ORDERS, 'nothing', ...READS] as const;
export type Load = (typeof LOADS)[number];

/** One line of the table. */
export interface Cell extends Measurement {
  load: Load;
  connections: number;
  /** What is wrong in the tables afterwards; empty when every promise is kept. */
  broken: string[];
}

/** Measures every load at every number of connections, one after the other, and looks into the tables after each. */
export async function measureCells(
  shop: Shop,
  { connectionCounts, only, warmUpMs, measureMs }: Options,
  tell: (cell: Cell) => void,
): Promise<Cell[]> {
  const clientsFor = clientFactory(shop);
  await warmUp(clientsFor, 3 * warmUpMs);
  const cells: Cell[] = [];
  for (const load of LOADS.filter((name) => name.includes(only))) {
    for (const connections of connectionCounts) {
      const cell = await measureCell(shop, clientsFor, load, connections, warmUpMs, measureMs);
      tell(cell);
      cells.push(cell);
    }
  }
  return cells;
}

async function measureCell(
  { postgres }: Shop,
  clientsFor: ClientsFor,
  load: Load,
  connections: number,
  warmUpMs: number,
  measureMs: number,
): Promise<Cell> {
  // What the cell before has left in memory is not to be written to the disk in this one's time.
  await postgres.query('CHECKPOINT');
  const before = await readBooks(postgres);
  const { clients, close } = clientsFor[load](connections);
  const measurement = await measure(clients, warmUpMs, measureMs);
  await close();
  const isOrdered = ORDERS.some((name) => name === load);
  const ordered = { ...measurement, acknowledged: isOrdered ? measurement.acknowledged : 0 };
  const broken = await findBrokenByOrders(postgres, before, ordered);
  return { load, connections, ...measurement, broken };
}

export type ClientsFor = Record<Load, (connections: number) => Clients>;

// Node compiles what it runs often: the first thousands of requests after a start are slower than all that follow. Each
// cell's own warm-up is only for its connections.
async function warmUp(clientsFor: ClientsFor, warmUpMs: number): Promise<void> {
  const { clients, close } = clientsFor['orders, spread'](64);
  await measure(clients, 0, warmUpMs);
  await close();
}

interface Clients {
  clients: Client[];
  close(): Promise<void>;
}

/** Every factory makes calls of its own: no two of a run have an idempotency key in common. */
export function clientFactory(shop: Shop): ClientsFor {
  const run = randomBytes(6).toString('hex');
  const users = Array.from({ length: USERS }, (_, index) => index + 1);
  const tokens = users.map((id) => shop.service.tokenFor(id));
  let calls = 0;
  let random = 1;
  const hot = () => HOT_PRODUCT;
  const spread = () => {
    // A generator of its own (Lehmer's): every run orders the same products in the same order.
    random = (random * 48_271) % 2_147_483_647;
    return 1 + (random % PRODUCTS);
  };

  const overHttp = (path: string, product: () => number) => (connections: number) => {
    const nextRequest = () => {
      calls += 1;
      const body = `{"items":[{"product_id":${product()},"quantity":${QUANTITY}}]}`;
      const credential = `Authorization: Bearer ${tokens[calls % USERS]}`;
      return postRequest(`${BASE_PATH}${path}`, credential, `${run}-${calls}`, body);
    };
    const clients = times(connections, () => new HttpClient(shop.service.port, nextRequest));
    return { clients, close: () => closeAll(clients) };
  };
  const reading = (path: () => string) => (connections: number) => {
    const nextRequest = () => getRequest(`${BASE_PATH}${path()}`);
    const clients = times(connections, () => new HttpClient(shop.service.port, nextRequest));
    return { clients, close: () => closeAll(clients) };
  };
  const byHand = (product: () => number) => (connections: number) => {
    const max = Math.min(connections, HAND_WRITTEN_POOL_MAX);
    const pool = new pg.Pool({ connectionString: shop.databaseUrl, max });
    const nextWish = () => {
      calls += 1;
      const userId = users[calls % USERS] as number;
      return {
        userId,
        productId: product(),
        quantity: QUANTITY,
        idempotencyKey: `${userId} by hand ${run}-${calls}`,
      };
    };
    return { clients: times(connections, () => new HandWritten(pool, nextWish)), close: () => pool.end() };
  };
  return {
    'orders, hot': overHttp('/orders', hot),
    'orders, spread': overHttp('/orders', spread),
    'by hand, hot': byHand(hot),
    'by hand, spread': byHand(spread),
    nothing: overHttp('/bench/nothing', hot),
    'list of 20': reading(() => '/products?limit=20'),
    'detail, hot': reading(() => `/products/${hot()}`),
    'detail, spread': reading(() => `/products/${spread()}`),
    'nothing, GET': reading(() => '/bench/nothing'),
  };
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

async function closeAll(clients: Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}
