import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded-postgres.js';
import { commandLines, endWithin, signal } from '../../src/platform/database/os-processes.js';
import { clusterName } from '../../src/platform/database/postgres-settings.js';
import type { TestDatabase } from '../support/boot.js';

/** A Postgres that one test may kill: with production's settings, on a folder of its own, always on the same port. */
export class PostgresProcess implements TestDatabase {
  private readonly pool: pg.Pool;

  private constructor(
    private readonly folder: string,
    private readonly settings: Record<string, string>,
    private server: EmbeddedPostgres,
  ) {
    this.pool = new pg.Pool({ connectionString: server.url, max: 3 });
    this.pool.on('error', () => undefined);
  }

  /** `settings` go over production's. */
  static async start(settings: Record<string, string> = {}): Promise<PostgresProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
    return new PostgresProcess(folder, settings, await run(folder, 0, settings));
  }

  get url(): string {
    return this.server.url;
  }

  async sql<Row extends object = Record<string, any>>(text: string, values?: unknown[]): Promise<Row[]> {
    return (await this.pool.query(text, values)).rows;
  }

  /** `kill -9` of the postmaster and all its children, at once. */
  async kill(): Promise<void> {
    const title = `postgres: ${clusterName(join(this.folder, 'postgres'))}: `;
    const children = [...commandLines()].filter(([, command]) => command.startsWith(title));
    const pids = [this.server.pid, ...children.map(([pid]) => pid)];
    for (const pid of pids) signal(pid, 'SIGKILL');
    if (!(await endWithin(pids, 10_000))) throw new Error('Postgres has survived kill -9');
  }

  /** On the folder that was left behind. Resolves when it takes connections. */
  async restart(): Promise<void> {
    this.server = await run(this.folder, this.server.port, this.settings);
  }

  async drop(): Promise<void> {
    await this.pool.end();
    await this.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function run(folder: string, port: number, settings: Record<string, string>): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: folder,
    port,
    password: 'holdfast-faults',
    settings,
    // It is ours to start again, when the test wants it.
    revive: false,
  });
}
