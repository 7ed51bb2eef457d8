import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { runScripts } from '../../src/platform/database/migrations.js';
import { findFreePort } from '../../src/platform/database/postgres-launch.js';
import {
  type Account,
  chooseAccount,
  postgresEnvironment,
} from '../../src/platform/database/postgres-os-user.js';
import type { TestDatabase } from '../support/boot.js';
import { eventually } from '../support/eventually.js';
import { program } from './program.js';

const run = promisify(execFile);
const PACKAGE = 'postgresql';

/** One server of Debian's: the embedded Postgres comes without the program that copies a cluster. */
class Server implements TestDatabase {
  private readonly pool: pg.Pool;

  private constructor(
    readonly port: number,
    private readonly process: ChildProcess,
  ) {
    this.pool = new pg.Pool({ connectionString: this.url, max: 3 });
    this.pool.on('error', () => undefined);
  }

  static async start(folder: string, account: Account | null): Promise<Server> {
    const port = await findFreePort();
    const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(program('postgres', PACKAGE), ['-D', folder, ...args], {
      ...account,
      cwd: '/',
      env: postgresEnvironment(),
      stdio: 'ignore',
    });
    const server = new Server(port, child);
    await eventually(() => server.sql('SELECT 1').catch(() => null), { within: 30_000 });
    return server;
  }

  get url(): string {
    return `postgres://holdfast@127.0.0.1:${this.port}/postgres`;
  }

  async sql<Row extends object = Record<string, any>>(text: string, values?: unknown[]): Promise<Row[]> {
    return (await this.pool.query(text, values)).rows;
  }

  /** At once, and all of its processes. */
  async kill(): Promise<void> {
    // SIGQUIT: the server ends its children and itself without a checkpoint.
    this.process.kill('SIGQUIT');
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
  }

  async drop(): Promise<void> {
    await this.pool.end();
    await this.kill();
  }
}

export interface PostgresPair {
  primary: TestDatabase;
  standby: TestDatabase & { kill(): Promise<void> };
  /** Resolves when the standby shows all that was committed on the primary by now. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** A primary that is migrated and seeded, and a streaming standby of it. */
export async function startPair(): Promise<PostgresPair> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-pair-'));
  const account = await chooseAccount(join(folder, 'primary'));
  if (account) await chown(folder, account.uid, account.gid);
  await chmod(folder, 0o700);
  const as = { ...account, cwd: '/', env: postgresEnvironment() };
  const places = { primary: join(folder, 'primary'), standby: join(folder, 'standby') };
  const initdb = ['-D', places.primary, '-U', 'holdfast', '--auth=trust', '--encoding=UTF8', '--no-sync'];
  await run(program('initdb', PACKAGE), initdb, as);
  const primary = await Server.start(places.primary, account);
  const sequelize = connect(primary.url, loadConfig({ DATABASE_URL: primary.url }));
  await runScripts('migrations', sequelize);
  await runScripts('seeders', sequelize);
  await sequelize.close();
  const copy = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'holdfast', '-D', places.standby];
  await run(program('pg_basebackup', PACKAGE), [...copy, '-R', '-c', 'fast', '--no-sync'], as);
  const standby = await Server.start(places.standby, account);
  return {
    primary,
    standby,
    async caughtUp() {
      const [now] = await primary.sql('SELECT pg_current_wal_lsn()::text AS lsn');
      const replayed = 'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS is_there';
      await eventually(async () => (await standby.sql(replayed, [now?.lsn]))[0]?.is_there);
    },
    async stop() {
      await standby.drop();
      await primary.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
