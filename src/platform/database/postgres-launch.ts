import { spawn } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import type { PostgresBinaries } from './postgres-binaries.js';
import { postgresEnvironment, type RunAs } from './postgres-os-user.js';
import { waitUntilReady } from './postgres-readiness.js';
import { type PostgresSettings, serverArguments } from './postgres-settings.js';
import { clearRemains, endPostmaster } from './postmaster.js';

const ATTEMPTS = 5;
const ATTEMPT_PAUSE_MS = 1_000;
const LOG_SIZE_MAX_BYTES = 10 * 1024 * 1024;
const LOG_TAIL_LINES = 5;
const LOG_TAIL_BYTES = 65_536;

/** Everything that a start of the server program needs. */
export interface LaunchPlan {
  clusterDir: string;
  logFile: string;
  password: string;
  settings: PostgresSettings;
  binaries: PostgresBinaries;
  runAs: RunAs;
}

/** A running Postgres that takes connections. */
export interface Running {
  pid: number;
  port: number;
}

/**
 * Starts the server program on a cluster that no living Postgres has, and waits until it takes connections.
 * Port 0 is any free one.
 * @throws EmbeddedPostgresFailed
 */
export async function launch(plan: LaunchPlan, wantedPort: number): Promise<Running> {
  for (let attempt = 1; ; attempt += 1) {
    await clearRemains(plan.clusterDir);
    const port = wantedPort === 0 ? await findFreePort() : await requireFree(wantedPort);
    const failure = await begin(plan, port);
    if (typeof failure !== 'string') return failure;
    const taken = failure.includes('Address already in use');
    if (taken && wantedPort !== 0) throw portTaken(wantedPort);
    const passing = taken || failure.includes('shared memory block');
    if (!passing || attempt === ATTEMPTS) {
      throw new EmbeddedPostgresFailed(`Postgres did not start; its log ${plan.logFile} ends: ${failure}`);
    }
    await pause(ATTEMPT_PAUSE_MS);
  }
}

/** One attempt: the running server, or the last lines of the log of one that ended at once. */
async function begin(plan: LaunchPlan, port: number): Promise<Running | string> {
  const logStart = await rotateLog(plan.logFile);
  const child = await spawnServer(plan, port);
  const address = { port, password: plan.password, clusterDir: plan.clusterDir };
  try {
    const readiness = await waitUntilReady(address, child.alive);
    if (readiness === 'ready') return { pid: child.pid, port };
    const lastLines = await readLogTail(plan.logFile, logStart);
    if (readiness === 'ended') return lastLines;
    if (readiness === 'recovering') throw stillRecovering(plan.logFile, lastLines);
    throw new EmbeddedPostgresFailed(
      `Postgres was started on port ${port} but does not answer; its log ${plan.logFile} ends: ${lastLines}`,
    );
  } catch (error) {
    if (!(error instanceof StillRecovering)) await endPostmaster(child.pid);
    throw error;
  }
}

async function spawnServer(plan: LaunchPlan, port: number): Promise<{ pid: number; alive: () => boolean }> {
  const log = await openLog(plan.logFile);
  try {
    const args = serverArguments(plan.clusterDir, port, plan.settings);
    const { file, args: allArgs, uid, gid } = plan.runAs(plan.binaries.postgres, args);
    const child = spawn(file, allArgs, {
      cwd: plan.clusterDir,
      env: postgresEnvironment(),
      uid,
      gid,
      // A session of its own: Ctrl-C in the terminal must not reach Postgres before the service has drained.
      detached: true,
      // A file, not a pipe: Postgres outlives us if we are killed, and would die of a broken pipe.
      stdio: ['ignore', log.fd, log.fd],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    return { pid: child.pid as number, alive: () => child.exitCode === null && child.signalCode === null };
  } catch (error) {
    throw new EmbeddedPostgresFailed(`Postgres cannot be run: ${(error as Error).message}.`, {
      cause: error,
    });
  } finally {
    await log.close();
  }
}

async function openLog(logFile: string) {
  try {
    return await open(logFile, 'a', 0o600);
  } catch (error) {
    throw new EmbeddedPostgresFailed(`The log ${logFile} cannot be written: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** Postgres logs little (see the settings), so one look at each start keeps the log in bounds. Returns where it goes on. */
async function rotateLog(logFile: string): Promise<number> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= LOG_SIZE_MAX_BYTES) return size;
  await rename(logFile, `${logFile}.1`);
  return 0;
}

/** The last lines of the log, on one line. */
export async function readLogTail(logFile: string, from = 0): Promise<string> {
  const log = await open(logFile, 'r').catch(() => null);
  if (log === null) return 'nothing.';
  try {
    const { size } = await log.stat();
    const start = Math.max(from, size - LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(LOG_TAIL_BYTES), 0, LOG_TAIL_BYTES, start);
    // Answers to our own asking say nothing about why.
    const lines = buffer.toString('utf8', 0, bytesRead).trim().split('\n').filter(isNotStartingUp);
    return lines.slice(-LOG_TAIL_LINES).join(' | ') || 'nothing.';
  } finally {
    await log.close();
  }
}

function isNotStartingUp(line: string): boolean {
  return !line.endsWith('the database system is starting up');
}

/** Thrown while Postgres goes on recovering: ending it would only make the next start begin from the front. */
class StillRecovering extends EmbeddedPostgresFailed {}

export function stillRecovering(logFile: string, lastLines: string): EmbeddedPostgresFailed {
  return new StillRecovering(
    `Postgres is still recovering after a crash and goes on with it: start Holdfast again in a minute; its log ${logFile} ends: ${lastLines}`,
  );
}

function portTaken(port: number): EmbeddedPostgresFailed {
  return new EmbeddedPostgresFailed(
    `Port ${port} (EMBEDDED_POSTGRES_PORT) is taken by another program: stop that, choose another port, or 0 for any free one.`,
  );
}

async function requireFree(port: number): Promise<number> {
  try {
    return await listenBriefly(port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw portTaken(port);
    throw new EmbeddedPostgresFailed(
      `Port ${port} (EMBEDDED_POSTGRES_PORT) cannot be used: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

export function findFreePort(): Promise<number> {
  return listenBriefly(0);
}

function listenBriefly(wantedPort: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(wantedPort, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : wantedPort;
      server.close(() => resolve(port));
    });
  });
}
