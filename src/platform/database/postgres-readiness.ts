import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import { POSTGRES_NAME } from './postgres-cluster.js';

const POLL_INTERVAL_MS = 50;
/** Each question to a Postgres in recovery is a line in its log. */
const RECOVERY_POLL_INTERVAL_MS = 250;
const ANSWER_TIMEOUT_MS = 2_000;
const CREATE_TIMEOUT_MS = 60_000;
/** Postgres says at once that it is starting; one that says nothing for so long is stuck. */
const SILENCE_TIMEOUT_MS = 10_000;
/** Recovery after a crash reads at most `max_wal_size` of log, well within this on any disk. */
const RECOVERY_TIMEOUT_MS = 60_000;

const SqlState = { cannotConnectNow: '57P03', tooManyConnections: '53300', wrongPassword: '28P01' } as const;

/** Where a Postgres is to be found, and how one knows that it is the right one. */
export interface Address {
  port: number;
  password: string;
  clusterDir: string;
}

/** `ended`: its process is gone. `recovering`: it is alive and at it, longer than we wait. `silent`: it does not answer. */
export type Readiness = 'ready' | 'ended' | 'recovering' | 'silent';

export function addressOf({ port, password }: Address, database: string): string {
  return `postgres://${POSTGRES_NAME}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}

/**
 * Asks until Postgres takes connections, its process ends, or the time is over.
 * @throws EmbeddedPostgresFailed when it refuses our password.
 */
export async function waitUntilReady(address: Address, alive: () => boolean): Promise<Readiness> {
  const begun = Date.now();
  let heardAt = begun;
  for (;;) {
    if (!alive()) return 'ended';
    const answer = await ask(address);
    if (answer === 'ready') return 'ready';
    if (answer === 'starting') heardAt = Date.now();
    if (Date.now() - heardAt > SILENCE_TIMEOUT_MS) return 'silent';
    if (Date.now() - begun > RECOVERY_TIMEOUT_MS) return 'recovering';
    await pause(answer === 'starting' ? RECOVERY_POLL_INTERVAL_MS : POLL_INTERVAL_MS);
  }
}

/** Makes the database `holdfast` if it is not there. Idempotent. */
export async function ensureDatabase(address: Address): Promise<void> {
  await connected(address, CREATE_TIMEOUT_MS, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [POSTGRES_NAME]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${POSTGRES_NAME}`);
  });
}

async function ask(address: Address): Promise<'ready' | 'starting' | 'silent'> {
  try {
    return await connected(address, ANSWER_TIMEOUT_MS, async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('SHOW data_directory');
      // Between our look for a free port and the start, another Postgres may have taken it.
      return rows[0]?.data_directory === address.clusterDir ? 'ready' : 'silent';
    });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === SqlState.cannotConnectNow || code === SqlState.tooManyConnections) return 'starting';
    if (code === SqlState.wrongPassword) {
      throw new EmbeddedPostgresFailed(
        `The database in ${address.clusterDir} refuses our password: bring back the secrets.json that was made with it.`,
        { cause: error },
      );
    }
    return 'silent';
  }
}

async function connected<T>(
  address: Address,
  timeoutMs: number,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    connectionString: addressOf(address, 'postgres'),
    connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
    query_timeout: timeoutMs,
    application_name: 'holdfast-start',
  });
  // A connection that breaks while idle tells it by this event, and without a listener that ends the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
