import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { percentile } from './closed-loop.js';
import { HttpClient, postRequest } from './http-client.js';
import type { Options } from './options.js';
import { findBroken, OTHERS, readBooks, readChanges } from './promises.js';
import type { Shop } from './shop.js';
import { type Item, StockByHand } from './stock-by-hand.js';
import { PRODUCTS } from './stock-room.js';

const BASE_PATH = '/api/v1/inventory';

export type StockLoad = 'decrement, 1 line' | 'decrement, 50 lines' | 'rollback';
const LINES: Record<StockLoad, number> = { 'decrement, 1 line': 1, 'decrement, 50 lines': 50, rollback: 1 };

/** How long one caller waits, in milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
}

export interface StockLine {
  load: StockLoad;
  service: Latency;
  byHand: Latency;
  /** What is wrong in the tables afterwards; empty when every promise is kept. */
  broken: string[];
}

/** One way to take and give back. */
interface Side {
  decrement(orderRef: string, items: Item[], key: string): Promise<void>;
  rollback(orderRef: string, key: string): Promise<void>;
}

/**
 * Another system's calls, one at a time. Service and hand take turns, call by call, so that whatever else the machine does
 * meets both alike.
 */
export async function measureStock(
  shop: Shop,
  { only, warmUpMs, measureMs }: Options,
  tell: (line: StockLine) => void,
): Promise<StockLine[]> {
  const loads = (Object.keys(LINES) as StockLoad[]).filter((load) => load.includes(only));
  if (loads.length === 0) return [];
  const connection = new pg.Client({ connectionString: shop.databaseUrl });
  await connection.connect();
  const http = new OverHttp(shop.service.port, await makeKey(shop));
  const sides = { service: http, byHand: new StockByHand(connection) };
  const lines: StockLine[] = [];
  for (const load of loads) {
    await shop.postgres.query('CHECKPOINT');
    const line = await measureLine(shop, load, sides, 3 * warmUpMs, measureMs);
    tell(line);
    lines.push(line);
  }
  await http.close();
  await connection.end();
  return lines;
}

async function measureLine(
  shop: Shop,
  load: StockLoad,
  sides: { service: Side; byHand: Side },
  warmUpMs: number,
  measureMs: number,
): Promise<StockLine> {
  const before = await readBooks(shop.postgres);
  const latencies = { service: [] as number[], byHand: [] as number[] };
  const run = randomBytes(6).toString('hex');
  const start = performance.now() + warmUpMs;
  let calls = 0;
  let units = 0;
  while (performance.now() < start + 2 * measureMs) {
    for (const side of ['service', 'byHand'] as const) {
      calls += 1;
      const orderRef = `${OTHERS}${run}-${calls}`;
      const items = itemsOf(calls, LINES[load]);
      // What is rolled back has to be taken first; nobody waits for that here.
      if (load === 'rollback') await sides[side].decrement(orderRef, items, `${orderRef} taken`);
      const asked = performance.now();
      if (load === 'rollback') await sides[side].rollback(orderRef, orderRef);
      else await sides[side].decrement(orderRef, items, orderRef);
      if (asked >= start) latencies[side].push(performance.now() - asked);
      if (load !== 'rollback') units += items.length;
    }
  }
  const changes = await readChanges(shop.postgres, before);
  const broken = await findBroken(shop.postgres, changes);
  const claims = load === 'rollback' ? 2 * calls : calls;
  if (changes.unitsTakenByOthers !== units)
    broken.push(`${units} units were acknowledged, ${changes.unitsTakenByOthers} are in the ledger`);
  if (changes.claims !== claims) broken.push(`${claims} calls, ${changes.claims} idempotency keys`);
  return { load, service: latencyOf(latencies.service), byHand: latencyOf(latencies.byHand), broken };
}

/** Different products for each call, and the same for each run. */
function itemsOf(call: number, lines: number): Item[] {
  const first = (call * 7_919) % PRODUCTS;
  return Array.from({ length: lines }, (_, index) => ({
    product_id: 1 + ((first + index) % PRODUCTS),
    quantity: 1,
  }));
}

function latencyOf(latencies: number[]): Latency {
  const sorted = Float64Array.from(latencies).sort();
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) };
}

class OverHttp implements Side {
  private request = '';
  private readonly client: HttpClient;

  constructor(
    port: number,
    private readonly apiKey: string,
  ) {
    this.client = new HttpClient(port, () => this.request);
  }

  decrement(order_id: string, items: Item[], key: string): Promise<void> {
    return this.post('decrement', { order_id, items }, key);
  }

  rollback(order_id: string, key: string): Promise<void> {
    return this.post('rollback', { order_id }, key);
  }

  close(): Promise<void> {
    return this.client.close();
  }

  private async post(what: string, body: object, key: string): Promise<void> {
    const credential = `X-Api-Key: ${this.apiKey}`;
    this.request = postRequest(
      `${BASE_PATH}/${what}`,
      credential,
      key.replace(' ', '-'),
      JSON.stringify(body),
    );
    const status = await this.client.call();
    if (status !== 200) throw new Error(`${what} was answered ${status}`);
  }
}

/** A key of another system, as an admin would have made it. */
async function makeKey({ postgres }: Shop): Promise<string> {
  const key = `hf_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(key).digest();
  await postgres.query(
    `INSERT INTO api_keys (name, key_hash, prefix, scopes) VALUES ('bench', $1, $2, '{inventory:write}')`,
    [hash, key.slice(0, 11)],
  );
  return key;
}
