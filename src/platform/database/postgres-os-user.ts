import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import type { PostgresBinaries } from './postgres-binaries.js';

const run = promisify(execFile);

const PROBE_TIMEOUT_MS = 20_000;

/** Postgres refuses to run as root; as root we therefore run it as one of these, the first that exists. */
const UNPRIVILEGED_USERS = ['postgres', 'nobody'];

/** An operating system user. */
export interface Account {
  uid: number;
  gid: number;
}

/** How to spawn a program. */
export interface Command {
  file: string;
  args: string[];
  uid?: number;
  gid?: number;
}

/** Turns a program of Postgres into what has to be spawned so that it runs as the right user. */
export type RunAs = (file: string, args: string[]) => Command;

const asOurselves: RunAs = (file, args) => ({ file, args });

/**
 * Who runs Postgres: null for ourselves, another account when we are root. The owner of a cluster that exists goes on
 * running it, so a folder made by an ordinary user stays that user's after one start as root.
 * @throws EmbeddedPostgresFailed when the cluster belongs to somebody else, or root finds nobody to run it.
 */
export async function chooseAccount(clusterDir: string): Promise<Account | null> {
  const owner = await ownerOf(clusterDir);
  const ourUid = process.getuid?.() ?? 0;
  if (ourUid !== 0) {
    if (owner !== null && owner.uid !== ourUid) {
      throw new EmbeddedPostgresFailed(
        `The database in ${clusterDir} belongs to the OS user ${owner.uid} and you are ${ourUid} (was Holdfast run as root before?): run it as the same user again, or give the folder to yourself with "chown -R".`,
      );
    }
    return null;
  }
  if (owner !== null && owner.uid !== 0) return owner;
  for (const name of UNPRIVILEGED_USERS) {
    const account = await findAccount(name);
    if (account !== null) return account;
  }
  throw new EmbeddedPostgresFailed(
    `Postgres does not run as root, and this machine has none of the OS users ${UNPRIVILEGED_USERS.join(', ')}: run Holdfast as an ordinary user.`,
  );
}

/**
 * The least privileged way in which Postgres, running as `account`, really reaches its programs and `folder`.
 *
 * Root may well have cloned or stored below a folder that only root can enter. Then the plain change of user is not
 * enough, and Postgres keeps the one capability to enter folders (or, where a container does not grant that one or the
 * programs are root's alone, the one to ignore file modes), and nothing else of root's.
 * @throws EmbeddedPostgresFailed when there is no such way.
 */
export async function findRunAs(
  account: Account | null,
  binaries: PostgresBinaries,
  folder: string,
): Promise<RunAs> {
  if (account === null) return asOurselves;
  const ways = [changeUser(account), keeping('dac_read_search', account), keeping('dac_override', account)];
  let reason = '';
  for (const way of ways) {
    try {
      await probe(way, binaries, folder);
      return way;
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  throw new EmbeddedPostgresFailed(
    `Postgres does not run as root, and as the OS user ${account.uid} it cannot reach ${binaries.postgres} or ${folder} (${reason}): run Holdfast as an ordinary user, move both out of folders that only root can enter, or install setpriv (util-linux).`,
  );
}

function changeUser({ uid, gid }: Account): RunAs {
  return (file, args) => ({ file, args, uid, gid });
}

function keeping(capability: string, { uid, gid }: Account): RunAs {
  const only = `-all,+${capability}`;
  const identity = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  const capabilities = [`--inh-caps=${only}`, `--ambient-caps=${only}`, `--bounding-set=${only}`];
  // access(2), by which Postgres looks for its own programs, ignores the capabilities of a user who is not root unless
  // this bit is set.
  const access = '--securebits=+no_setuid_fixup';
  return (file, args) => ({
    file: 'setpriv',
    args: [...identity, ...capabilities, access, '--', file, ...args],
  });
}

/** Enters the folder and lets initdb find the server program beside itself; changes nothing. */
async function probe(way: RunAs, { initdb }: PostgresBinaries, folder: string): Promise<void> {
  const script = 'cd -- "$1" && exec "$2" --show -D "$1" -U probe';
  const { file, args, uid, gid } = way('/bin/sh', ['-c', script, 'probe', folder, initdb]);
  await run(file, args, { cwd: '/', uid, gid, env: postgresEnvironment(), timeout: PROBE_TIMEOUT_MS });
}

/** What the programs of Postgres see of our environment: no PG… variable, no preloaded library, no other locale. */
export function postgresEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };
}

/** The last thing that a failed program has said, or why it could not be run at all. */
export function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  const lines = (stderr ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.at(-1)?.trim() ?? message;
}

async function ownerOf(folder: string): Promise<Account | null> {
  try {
    const { uid, gid } = await stat(folder);
    return { uid, gid };
  } catch {
    return null;
  }
}

async function findAccount(name: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}
