import { eventually } from '../support/eventually.js';
import type { Load } from './load.js';
import { Shop } from './shop.js';

const KILLS = 3;

/** Kills Postgres under the load, lets the customers feel it, and brings it back. */
async function killPostgres(shop: Shop, load: Load): Promise<void> {
  await load.answers(shop.chance.between(50, 150));
  const before = load.client.unavailable;
  await shop.postgres.kill();
  await eventually(() => load.client.unavailable >= before + 10, { what: 'ten answers 503' });
  await shop.postgres.restart();
  await eventually(() => shop.service.isReady(), { within: 30_000, what: 'a service that is ready again' });
}

it('kill -9 of all of Postgres: 503 with Retry-After, back by itself, nothing acknowledged is lost', async () => {
  const shop = await Shop.open('postgres killed', { ownPostgres: {} });
  try {
    const { pid } = shop.service;
    const load = await shop.load();
    for (let kill = 0; kill < KILLS; kill++) await killPostgres(shop, load);
    await load.answers(50);
    // `breaches` holds every answer of 5xx that is no 503 with Retry-After.
    await shop.expectAllIsWell(load);
    expect(shop.service.pid).toBe(pid);
  } finally {
    await shop.close();
  }
});

it('(control) a commit that does not wait for the log is lost, and the verdict sees it', async () => {
  const shop = await Shop.open('postgres killed, control', {
    ownPostgres: { synchronous_commit: 'off', wal_writer_delay: '10s' },
  });
  try {
    const load = await shop.load();
    await killPostgres(shop, load);
    await load.end();
    expect(await shop.verdict.brokenWord(load.receipts)).toContainEqual(
      expect.stringMatching(/^order \S+, told to be \w+, is gone$/),
    );
  } finally {
    await shop.close();
  }
});
