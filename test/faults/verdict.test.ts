import pg from 'pg';
import { eventually } from '../support/eventually.js';
import type { Load } from './load.js';
import { Shop } from './shop.js';
import { Verdict } from './verdict.js';

// A verdict that sees nothing would pass every test of this folder: each of its sentences, of a damage in the tables. The
// controls in the other files damage the service.
let shop: Shop;
let load: Load;

beforeAll(async () => {
  shop = await Shop.open('verdict');
  load = await shop.load();
  await eventually(() => load.receipts.acknowledged.some(({ said }) => said === 'paid'), { within: 60_000 });
  await load.answers(100);
  await shop.expectAllIsWell(load);
  await shop.service.kill();
});
afterAll(() => shop?.close());

/** An order that somebody has paid, and has not given back. */
function paidOrder(): string {
  const { acknowledged, givenBack } = load.receipts;
  const paid = acknowledged.find(({ said, order_id }) => said === 'paid' && !givenBack.has(order_id));
  return (paid as { order_id: string }).order_id;
}

/** Runs the statement on that order, judges, and takes it back. */
async function judgeDamaged(text: string) {
  const id = paidOrder();
  const client = new pg.Client({ connectionString: shop.database.url });
  await client.connect();
  const sql = async (query: string, values?: unknown[]) => (await client.query(query, values)).rows as any[];
  const verdict = new Verdict({ ...shop.database, sql }, shop.gateway);
  await sql('BEGIN');
  await sql(text, [id]);
  const stuck = await verdict.pendingWithoutReason();
  const money = await verdict.wrongMoney();
  const word = await verdict.brokenWord(load.receipts);
  await client.end();
  return { id, stuck, money, word };
}

describe('the verdict sees', () => {
  it('money kept for an order that has ended, which was told to be paid', async () => {
    const { id, money, word } = await judgeDamaged(`UPDATE orders SET status = 'cancelled' WHERE id = $1`);
    expect(money).toContainEqual(expect.stringMatching(`^order ${id} is cancelled and keeps \\d+$`));
    expect(word).toContainEqual(expect.stringContaining(`order ${id}, told to be paid, is cancelled`));
  });

  it('a charge that nobody has settled', async () => {
    const { id, stuck, money } = await judgeDamaged(
      `UPDATE payments SET status = 'unknown', settled_at = NULL WHERE order_id = $1 AND status = 'succeeded'`,
    );
    expect(stuck).toEqual([`order ${id} is paid, and its payment is not settled`]);
    expect(money).toEqual([`order ${id} was charged 1 times and has 0 captured payments`]);
  });

  it('an order that is being paid by nobody', async () => {
    const { id, stuck } = await judgeDamaged(
      `UPDATE orders SET status = 'pending', payment_status = 'processing' WHERE id = $1`,
    );
    expect(stuck).toEqual([`order ${id} is processing, and nobody is at it`]);
  });

  it('a refund of which the provider knows nothing', async () => {
    const { id, money } = await judgeDamaged(
      `UPDATE payments SET refunded_minor = refunded_minor + 1 WHERE order_id = $1 AND status = 'succeeded'`,
    );
    expect(money).toContainEqual(expect.stringMatching(`^order ${id}: \\d+ went back, \\d+ is noted`));
  });

  it('nothing else', async () => {
    expect(await shop.verdict.pendingWithoutReason()).toEqual([]);
    expect(await shop.verdict.wrongMoney()).toEqual([]);
    expect(await shop.verdict.brokenWord(load.receipts)).toEqual([]);
  });
});
