import { PgBoss } from 'pg-boss';
import type { Config } from '../config/config.js';
import { JobsUnusable } from './jobs.errors.js';

/** Where its tables are. */
export const SCHEMA = 'pgboss';
const POOL_MAX = 3;
/** Besides the pool it holds one connection more, to LISTEN. */
export const JOB_CONNECTIONS_MAX = POOL_MAX + 1;
const CONNECT_TIMEOUT_MS = 5_000;
/** Ends a query whose connection was cut without a word. Long enough for pg-boss's own housekeeping. */
const QUERY_TIMEOUT_MS = 60_000;
const NOT_MIGRATED = /not installed|requires migrations/;

/**
 * Opens pg-boss on our own database, in a schema and on a small pool of its own. With `migrate` the schema is made or
 * brought up to date at its start. `onTrouble` is told what it survives.
 */
export function openBoss(config: Config, migrate: boolean, onTrouble: (message: string) => void): PgBoss {
  const { DATABASE_URL, DATABASE_DIRECT_URL, DATABASE_POOLED } = config.env;
  const options = {
    connectionString: DATABASE_DIRECT_URL ?? (DATABASE_URL as string),
    application_name: 'holdfast-jobs',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    max: POOL_MAX,
    schema: SCHEMA,
    migrate,
    // Who listens behind a pooler hears nothing: the connection is somebody else's by then.
    useListenNotify: !DATABASE_POOLED || DATABASE_DIRECT_URL !== undefined,
    // A dead process's jobs are taken back within the job's time limit and this.
    superviseIntervalSeconds: 20,
    monitorIntervalSeconds: 20,
    maintenanceIntervalSeconds: 600,
    // Jobs that depend on other jobs: we have none.
    flowIntervalSeconds: 3_600,
  };
  const boss = new PgBoss(options);
  // Without a listener a lost connection would end the process.
  boss.on('error', (error) => onTrouble(error.message));
  boss.on('warning', (warning) => onTrouble(warning.message));
  return boss;
}

/** @throws JobsUnusable */
export async function startBoss(boss: PgBoss): Promise<void> {
  try {
    await boss.start();
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    const { message } = error as Error;
    const remedy = NOT_MIGRATED.test(message) ? ' Run "npm run migrate", or set MIGRATE_ON_START=true.' : '';
    throw new JobsUnusable(`The job queue (schema "${SCHEMA}") cannot be used: ${message}.${remedy}`, {
      cause: error,
    });
  }
}

/** Makes the job queue's schema, or brings it up to date. Idempotent. @throws JobsUnusable */
export async function installJobs(config: Config): Promise<void> {
  const boss = openBoss(config, true, () => undefined);
  await startBoss(boss);
  await boss.stop({ graceful: false });
}
