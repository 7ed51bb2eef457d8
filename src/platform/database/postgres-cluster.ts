import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { syncFolder } from './durable-file.js';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import { POSTGRES_MAJOR, type PostgresBinaries } from './postgres-binaries.js';
import { type Account, findRunAs, postgresEnvironment, type RunAs, reasonOf } from './postgres-os-user.js';

const run = promisify(execFile);

const INITDB_TIMEOUT_MS = 180_000;
const DRAFT_PREFIX = 'postgres.draft-';

/** The database's superuser, and the name of the one database. */
export const POSTGRES_NAME = 'holdfast';

export interface ClusterPlan {
  dataDir: string;
  /** Where the cluster is, or will be. */
  clusterDir: string;
  password: string;
  binaries: PostgresBinaries;
  account: Account | null;
  /** False leaves the files to the operating system's cache: for tests only. */
  durable: boolean;
}

/**
 * Makes the cluster if there is none, and finds how its programs have to be run. A cluster appears whole, by one
 * rename; whatever an earlier attempt has left half-done is swept away.
 * @throws EmbeddedPostgresFailed
 */
export async function prepareCluster(plan: ClusterPlan): Promise<RunAs> {
  await sweepDrafts(plan.dataDir);
  if (await hasCluster(plan.clusterDir)) {
    await adopt(plan);
    return findRunAs(plan.account, plan.binaries, plan.clusterDir);
  }
  const draft = join(plan.dataDir, `${DRAFT_PREFIX}${randomUUID()}`);
  try {
    await mkdir(draft, { mode: 0o700 });
    await giveTo(plan.account, draft);
    const runAs = await findRunAs(plan.account, plan.binaries, draft);
    await initialise(plan, runAs, draft);
    await rename(join(draft, 'cluster'), plan.clusterDir);
    await syncFolder(plan.dataDir);
    return runAs;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function sweepDrafts(dataDir: string): Promise<void> {
  const drafts = (await readdir(dataDir)).filter((name) => name.startsWith(DRAFT_PREFIX));
  for (const draft of drafts) {
    // An initdb whose service was killed may still be writing there. Its folder has a name of its own, so it is in
    // nobody's way, and the next start sweeps again.
    await rm(join(dataDir, draft), { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
  }
}

async function hasCluster(clusterDir: string): Promise<boolean> {
  const entries = await readdir(clusterDir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new EmbeddedPostgresFailed(`The database folder ${clusterDir} cannot be read: ${error.message}.`);
  });
  if (entries.length === 0) return false;
  const version = await readFile(join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => null);
  if (version === null) {
    throw new EmbeddedPostgresFailed(
      `${clusterDir} holds files but no Postgres database: move it away, or choose another DATA_DIR.`,
    );
  }
  if (version.trim() !== POSTGRES_MAJOR) {
    throw new EmbeddedPostgresFailed(
      `The database in ${clusterDir} was made by Postgres ${version.trim()} and this is Postgres ${POSTGRES_MAJOR}: dump it with the old version and load it into a new DATA_DIR.`,
    );
  }
  return true;
}

/** A cluster that root has copied or restored belongs to root; Postgres opens only its own. */
async function adopt({ clusterDir, account }: ClusterPlan): Promise<void> {
  if (account === null || (await stat(clusterDir)).uid === account.uid) return;
  await run('chown', ['-R', `${account.uid}:${account.gid}`, clusterDir]);
  await chmod(clusterDir, 0o700);
}

async function initialise(plan: ClusterPlan, runAs: RunAs, draft: string): Promise<void> {
  // A file, because neither the command line nor the environment keeps a secret from other users of the machine.
  const passwordFile = join(draft, 'password');
  await writeFile(passwordFile, `${plan.password}\n`, { mode: 0o600, flag: 'wx' });
  await giveTo(plan.account, passwordFile);
  const { file, args, uid, gid } = runAs(plan.binaries.initdb, [
    `--pgdata=${join(draft, 'cluster')}`,
    `--username=${POSTGRES_NAME}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The order and case of letters come from Postgres itself: an update of the machine's locales never breaks an index.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(plan.durable ? [] : ['--no-sync']),
  ]);
  try {
    await run(file, args, { cwd: draft, uid, gid, env: postgresEnvironment(), timeout: INITDB_TIMEOUT_MS });
  } catch (error) {
    throw new EmbeddedPostgresFailed(
      `The database in ${plan.clusterDir} could not be made: ${reasonOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}

async function giveTo(account: Account | null, path: string): Promise<void> {
  if (account === null) return;
  await chown(path, account.uid, account.gid).catch((error: Error) => {
    throw new EmbeddedPostgresFailed(
      `Postgres does not run as root, and ${path} cannot be given to the OS user ${account.uid} (${error.message}): run Holdfast as an ordinary user.`,
      { cause: error },
    );
  });
}
