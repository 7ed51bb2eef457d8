import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import { commandLines, endWithin, isAlive, signal } from './os-processes.js';
import { clusterName } from './postgres-settings.js';

const FAST_STOP_TIMEOUT_MS = 20_000;
const IMMEDIATE_STOP_TIMEOUT_MS = 5_000;
const KILL_TIMEOUT_MS = 5_000;
const ORPHAN_TIMEOUT_MS = 2_000;
const PID_FILE_TIMEOUT_MS = 5_000;

/** The first process of a running Postgres. */
export interface Postmaster {
  pid: number;
  port: number;
  status: string;
}

/**
 * The living Postgres of this very cluster, or null. A postmaster.pid that names a dead process, or one that has got
 * the id of a dead Postgres, does not count.
 */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | null> {
  const deadline = Date.now() + PID_FILE_TIMEOUT_MS;
  for (;;) {
    const found = await readPidFile(clusterDir);
    if (found === null || !isPostgresOf(clusterDir, found.pid)) return null;
    // A Postgres that has just begun has not written everything yet.
    if (Number.isInteger(found.port) || Date.now() > deadline) return found;
    await pause(100);
  }
}

/**
 * Stops Postgres: fast (open transactions roll back, everything is written), and if that does not end in time
 * immediately (the next start recovers), and at last by force. Resolves when it has ended. Idempotent.
 * @throws EmbeddedPostgresFailed when it outlives even that.
 */
export async function endPostmaster(pid: number, fastTimeoutMs = FAST_STOP_TIMEOUT_MS): Promise<void> {
  const steps = [
    ['SIGINT', fastTimeoutMs],
    ['SIGQUIT', IMMEDIATE_STOP_TIMEOUT_MS],
    ['SIGKILL', KILL_TIMEOUT_MS],
  ] as const;
  for (const [name, timeoutMs] of steps) {
    signal(pid, name);
    if (await endWithin([pid], timeoutMs)) return;
  }
  throw new EmbeddedPostgresFailed(`Postgres (process ${pid}) cannot be stopped.`);
}

/**
 * Clears away what a killed Postgres has left: server processes without their head, which hold the shared memory, and
 * the postmaster.pid. Only for a cluster without a living Postgres.
 */
export async function clearRemains(clusterDir: string): Promise<void> {
  const title = `postgres: ${clusterName(clusterDir)}: `;
  const orphans = [...commandLines()].filter(([, command]) => command.startsWith(title)).map(([pid]) => pid);
  // They end by themselves when they notice, but one that computes may take its time.
  for (const pid of orphans) signal(pid, 'SIGQUIT');
  if (!(await endWithin(orphans, ORPHAN_TIMEOUT_MS))) {
    for (const pid of orphans) signal(pid, 'SIGKILL');
    await endWithin(orphans, KILL_TIMEOUT_MS);
  }
  // Postgres itself would refuse to start if another process of the same user now had the id in this file. Should
  // somebody still be there unseen, Postgres notices by the shared memory, which it checks as well.
  await rm(join(clusterDir, 'postmaster.pid'), { force: true });
}

/** Whether the running Postgres was started with exactly these arguments. */
export async function hasArguments(clusterDir: string, args: string[]): Promise<boolean> {
  const recorded = await readFile(join(clusterDir, 'postmaster.opts'), 'utf8').catch(() => '');
  return recorded.trimEnd().endsWith(args.map((argument) => `"${argument}"`).join(' '));
}

async function readPidFile(clusterDir: string): Promise<Postmaster | null> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n').map((line) => line.trim());
  const pid = Number.parseInt(lines[0] ?? '', 10);
  if (!(pid > 0)) return null;
  return { pid, port: Number.parseInt(lines[3] ?? '', 10), status: lines[7] ?? '' };
}

function isPostgresOf(clusterDir: string, pid: number): boolean {
  return isAlive(pid) && (commandLines().get(pid) ?? '').includes(` -D ${clusterDir} -c `);
}
