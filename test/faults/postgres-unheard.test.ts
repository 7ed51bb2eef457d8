import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../support/eventually.js';
import { leaveAlone, loseAnswersToCommits } from './interferences.js';
import type { Load } from './load.js';
import { Shop } from './shop.js';

/** Longer than the service waits for the answer to a statement. */
const CUT_MS = 8_000;
const LOST = 25;

let shop: Shop;
let load: Load;

beforeAll(async () => {
  // What is held back by a cut is given up while it lasts, not after.
  shop = await Shop.open('postgres unheard', {
    databaseBehindProxy: true,
    settings: { DATABASE_STATEMENT_TIMEOUT_MS: '1000' },
  });
});
beforeEach(async () => {
  load = await shop.load();
  await load.answers(20);
});
afterEach(() => leaveAlone(shop.databaseProxy));
afterAll(() => shop?.close());

describe('Postgres commits, and its answer is lost', () => {
  it.each([
    { transaction: 'of a placement', statement: 'order-insert' },
    { transaction: 'of a settlement', statement: 'payment-settle' },
    { transaction: 'of whatever was done', statement: null },
  ])('$transaction', async ({ statement }) => {
    const lost = loseAnswersToCommits(shop.databaseProxy, { statement, times: LOST, every: 3 });
    await eventually(() => lost.count === LOST, { within: 60_000, what: `${LOST} lost answers` });
    leaveAlone(shop.databaseProxy);
    await shop.expectAllIsWell(load);
  });
});

describe('the network between the service and Postgres', () => {
  it('resets every connection, again and again', async () => {
    for (let count = 0; count < 20; count++) {
      await load.answers(shop.chance.between(5, 20));
      shop.databaseProxy.reset();
    }
    await shop.expectAllIsWell(load);
  });

  it('is cut for some seconds: nobody is told, and what was sent arrives late', async () => {
    shop.databaseProxy.silence();
    await pause(CUT_MS);
    shop.databaseProxy.restore();
    await load.answers(50);
    await shop.expectAllIsWell(load);
    expect(load.client.unavailable).toBeGreaterThan(0);
  });
});
