import pg from 'pg';
import type { TestDatabase } from './boot.js';

/** Lets nobody on before all have come. Whoever comes later walks through. */
export function meeting(parties: number): () => Promise<void> {
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

export interface HeldLock {
  /** Lets go of the lock and undoes whatever the statement has done. */
  release(): Promise<void>;
}

/** Runs the statement in a transaction of its own, which then stands still, with its locks, until it is released. */
export async function givenHeldLock(
  database: TestDatabase,
  text: string,
  values: unknown[] = [],
): Promise<HeldLock> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN');
  await client.query(text, values);
  return {
    release: async () => {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}

/** Nobody can buy any of these products until the lock is released. */
export const givenHeldProducts = (database: TestDatabase, ...ids: number[]): Promise<HeldLock> =>
  givenHeldLock(database, 'SELECT FROM products WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE', [ids]);

const LOOKS_MAX = 5_000;

/** Looks again and again until `look` answers true; it asks the service or the database, so each look takes its time. */
export async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    if (await look()) return;
  }
  throw new Error(`it never came to this: ${what}`);
}

/** Until so many transactions in this database wait for somebody else's lock. */
export const untilWaiting = (database: TestDatabase, count = 1): Promise<void> =>
  until(`${count} waiting for a lock`, async () => {
    const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    return (await database.sql(text)).length >= count;
  });

/** Does the work so many times at once. */
export const times = <T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
