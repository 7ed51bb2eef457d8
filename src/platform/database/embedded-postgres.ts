import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresFailed } from './embedded-postgres.errors.js';
import { birthMarkOf, isAlive } from './os-processes.js';
import { findPostgresBinaries } from './postgres-binaries.js';
import { POSTGRES_NAME, prepareCluster } from './postgres-cluster.js';
import { type LaunchPlan, launch, type Running, readLogTail, stillRecovering } from './postgres-launch.js';
import { chooseAccount } from './postgres-os-user.js';
import { addressOf, ensureDatabase, waitUntilReady } from './postgres-readiness.js';
import { type PostgresSettings, serverArguments } from './postgres-settings.js';
import { endPostmaster, findPostmaster, hasArguments } from './postmaster.js';

export { EmbeddedPostgresFailed };

const WATCH_INTERVAL_MS = 500;
const REVIVE_INTERVAL_MS = 5_000;
/** Nobody has work under way there any more; and one that is stuck does not hear. */
const STALE_STOP_TIMEOUT_MS = 5_000;

export interface EmbeddedPostgresOptions {
  /** The service's folder, which must be there; the cluster lives in `<dataDir>/postgres`, its log in `<dataDir>/postgres.log`. */
  dataDir: string;
  /** On 127.0.0.1; 0 is any free one. */
  port: number;
  /** Of the superuser `holdfast`. It is set when the cluster is made, so it must stay the same over restarts. */
  password: string;
  /** Further Postgres settings, over ours. */
  settings?: PostgresSettings;
  /** False never waits for the disk: a power cut or a crash of the machine loses everything. For tests only. */
  durable?: boolean;
  /** Starts Postgres again, on the same port, when it dies while the service lives. On unless said otherwise. */
  revive?: boolean;
  /** Told in sentences what happens to Postgres; what Postgres itself says is in its log. */
  onLog?: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** `postgres://holdfast:…@127.0.0.1:port/holdfast`. It stays the same for as long as this object is used. */
  readonly url: string;
  readonly port: number;
  /** Of the server's first process; another one after a revival. */
  readonly pid: number;
  /** Stops Postgres, fast but cleanly, whoever is still connected, within half a minute. Idempotent. */
  stop(): Promise<void>;
}

const NOT_DURABLE: PostgresSettings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

/**
 * Runs a real Postgres in the data folder: makes its cluster at the first start, takes over one that has outlived a
 * killed service, recovers one that was killed itself. When it resolves, the database `holdfast` takes connections.
 * The caller must have claimed the folder (see `claimDataDir`). Our own death does not end Postgres; `stop` does.
 * @throws EmbeddedPostgresFailed
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options, options.onLog ?? (() => undefined));
  } catch (error) {
    if (error instanceof EmbeddedPostgresFailed) throw error;
    throw new EmbeddedPostgresFailed(
      `The embedded Postgres in ${options.dataDir} cannot be started: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

async function start(
  options: EmbeddedPostgresOptions,
  onLog: (line: string) => void,
): Promise<EmbeddedPostgres> {
  const plan = await preparePlan(options);
  const running = await run(plan, options.port, onLog);
  await ensureDatabase({ ...plan, port: running.port });
  onLog(`Postgres (process ${running.pid}) listens on 127.0.0.1:${running.port}; its log is ${plan.logFile}`);
  const server = new OwnServer(plan, running, onLog);
  if (options.revive ?? true) server.watch();
  return server;
}

async function preparePlan(options: EmbeddedPostgresOptions): Promise<LaunchPlan> {
  const durable = options.durable ?? true;
  const binaries = await findPostgresBinaries();
  const dataDir = await realpath(options.dataDir);
  const place = join(dataDir, 'postgres');
  // Postgres tells its folder by the real path, also when somebody has moved it to another disk and left a link.
  const clusterDir = await realpath(place).catch(() => place);
  const account = await chooseAccount(clusterDir);
  const { password } = options;
  const runAs = await prepareCluster({ dataDir, clusterDir, password, binaries, account, durable });
  const settings = { ...(durable ? {} : NOT_DURABLE), ...options.settings };
  return { clusterDir, logFile: join(dataDir, 'postgres.log'), password, settings, binaries, runAs };
}

async function run(plan: LaunchPlan, port: number, onLog: (line: string) => void): Promise<Running> {
  return (await takeOver(plan, port, onLog)) ?? (await launch(plan, port));
}

/**
 * A Postgres that has outlived its service goes on if it is as we would start it; otherwise it is stopped.
 * Null when there is none (any more).
 */
async function takeOver(
  plan: LaunchPlan,
  wantedPort: number,
  onLog: (line: string) => void,
): Promise<Running | null> {
  const found = await findPostmaster(plan.clusterDir);
  if (found === null) return null;
  const args = serverArguments(plan.clusterDir, wantedPort || found.port, plan.settings);
  if (found.status !== 'stopping' && (await hasArguments(plan.clusterDir, args))) {
    const readiness = await waitUntilReady({ ...plan, port: found.port }, () => isAlive(found.pid));
    if (readiness === 'ready') {
      onLog(`Postgres (process ${found.pid}) was still running; it is taken over`);
      return found;
    }
    if (readiness === 'recovering') throw stillRecovering(plan.logFile, await readLogTail(plan.logFile));
  }
  onLog(`Postgres (process ${found.pid}) was still running; it is stopped and started anew`);
  await endPostmaster(found.pid, STALE_STOP_TIMEOUT_MS);
  return null;
}

class OwnServer implements EmbeddedPostgres {
  private timer: NodeJS.Timeout | undefined;
  private revival: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | undefined;
  private birthMark: string;

  constructor(
    private readonly plan: LaunchPlan,
    private running: Running,
    private readonly onLog: (line: string) => void,
  ) {
    this.birthMark = birthMarkOf(running.pid);
  }

  get url(): string {
    return addressOf({ ...this.plan, port: this.port }, POSTGRES_NAME);
  }

  get port(): number {
    return this.running.port;
  }

  get pid(): number {
    return this.running.pid;
  }

  watch(intervalMs = WATCH_INTERVAL_MS): void {
    if (this.stopping) return;
    this.timer = setTimeout(() => {
      if (this.alive) this.watch();
      else this.revival = this.revive();
    }, intervalMs);
    this.timer.unref();
  }

  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private get alive(): boolean {
    return isAlive(this.pid) && birthMarkOf(this.pid) === this.birthMark;
  }

  private async revive(): Promise<void> {
    this.onLog(`Postgres (process ${this.pid}) has died; it is started again`);
    try {
      this.running = await run(this.plan, this.port, this.onLog);
      this.birthMark = birthMarkOf(this.pid);
      this.onLog(`Postgres (process ${this.pid}) is back`);
      this.watch();
    } catch (error) {
      this.onLog(`${(error as Error).message} It is tried again in ${REVIVE_INTERVAL_MS / 1_000} s.`);
      this.watch(REVIVE_INTERVAL_MS);
    }
  }

  private async end(): Promise<void> {
    clearTimeout(this.timer);
    await this.revival;
    clearTimeout(this.timer);
    if (this.alive) await endPostmaster(this.pid);
  }
}
