import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Config } from '../config/config.js';
import { claimDataDir, DataDirInUse, DataDirUnusable, readSecret } from './data-dir.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import { POSTGRES_NAME } from './postgres-cluster.js';
import { addressOf } from './postgres-readiness.js';
import { findPostmaster } from './postmaster.js';

/** The database of this configuration, open for a command-line tool. */
export interface OwnDatabase {
  url: string;
  close(): Promise<void>;
}

/**
 * Finds the database that the service uses, for a tool beside it: `DATABASE_URL`; else the embedded one, that of the
 * running service or, when none runs, started for this and stopped by `close`. Makes no database.
 * @throws DataDirUnusable when there is none yet.
 */
export async function openOwnDatabase({ env }: Config): Promise<OwnDatabase> {
  if (env.DATABASE_URL !== undefined) return { url: env.DATABASE_URL, close: async () => undefined };
  const place = resolve(env.DATA_DIR, 'postgres');
  if (!existsSync(place)) {
    throw new DataDirUnusable(
      `There is no database in ${resolve(env.DATA_DIR)} yet: start the service once.`,
    );
  }
  try {
    return await startOwn(env.DATA_DIR);
  } catch (error) {
    if (!(error instanceof DataDirInUse)) throw error;
    return findRunning(env.DATA_DIR);
  }
}

async function startOwn(dataDir: string): Promise<OwnDatabase> {
  const claimed = await claimDataDir(dataDir);
  try {
    const password = await claimed.secret('postgres');
    const postgres = await startEmbeddedPostgres({ dataDir, port: 0, password });
    const close = async () => {
      await postgres.stop();
      await claimed.release();
    };
    return { url: postgres.url, close };
  } catch (error) {
    await claimed.release();
    throw error;
  }
}

async function findRunning(dataDir: string): Promise<OwnDatabase> {
  const clusterDir = await realpath(join(await realpath(dataDir), 'postgres'));
  const postmaster = await findPostmaster(clusterDir);
  const password = await readSecret(dataDir, 'postgres');
  if (postmaster === null || password === undefined) {
    throw new DataDirUnusable(
      `The service on ${resolve(dataDir)} is starting or stopping: try again in a moment.`,
    );
  }
  const url = addressOf({ clusterDir, port: postmaster.port, password }, POSTGRES_NAME);
  return { url, close: async () => undefined };
}
