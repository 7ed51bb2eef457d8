import { access } from 'node:fs/promises';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';

/** Absolute paths of the programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** The cluster's format: Postgres opens a folder of its own major version only. */
export const POSTGRES_MAJOR = '18';

// Elsewhere (Windows) there are binaries too, but not the signals and process groups that starting and stopping rest on.
const SUPPORTED = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * The Postgres that npm has installed for this machine.
 * @throws EmbeddedPostgresFailed when there is none.
 */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (!SUPPORTED.includes(platform)) {
    throw new EmbeddedPostgresFailed(
      `There is no embedded Postgres for ${platform}: set DATABASE_URL to a Postgres of your own.`,
    );
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    const { initdb, postgres }: PostgresBinaries = await import(name);
    await Promise.all([access(initdb), access(postgres)]);
    return { initdb, postgres };
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The embedded Postgres is not installed (npm package ${name}): run "npm install" on this machine, without --omit=optional, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}
