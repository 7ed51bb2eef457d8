import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findFreePort } from '../../src/platform/database/postgres-launch.js';
import { eventually } from '../support/eventually.js';
import { program } from './program.js';

/** How many connections to the server a database has, however many clients there are. */
export const SERVER_CONNECTIONS = 16;

/** A real PgBouncer in transaction mode in front of the server at `url`. */
export class PgBouncer {
  private output = '';

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly child: ChildProcess,
    private readonly login: { user: string; password: string },
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output = (this.output + text).slice(-4_000);
    });
  }

  static async start(url: string): Promise<PgBouncer> {
    const { hostname, port: serverPort, username: user, password } = new URL(url);
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-pgbouncer-'));
    // It does not run as root, and reads this after it has become somebody else.
    await chmod(folder, 0o755);
    const port = await findFreePort();
    await writeFile(join(folder, 'users.txt'), `"${user}" "${password}"\n`);
    const settings = {
      listen_addr: '127.0.0.1',
      listen_port: port,
      unix_socket_dir: '',
      auth_type: 'plain',
      auth_file: join(folder, 'users.txt'),
      admin_users: user,
      pool_mode: 'transaction',
      default_pool_size: SERVER_CONNECTIONS,
      max_client_conn: 1_000,
      // After a server that was away it waits so many seconds before it looks again; 15 unless said otherwise.
      server_login_retry: 1,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const file = join(folder, 'pgbouncer.ini');
    await writeFile(
      file,
      `[databases]\n* = host=${hostname} port=${serverPort}\n[pgbouncer]\n${lines.join('\n')}\n`,
    );
    const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const child = spawn(program('pgbouncer'), [...asNobody, file], { stdio: ['ignore', 'ignore', 'pipe'] });
    const bouncer = new PgBouncer(port, folder, child, { user, password });
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`PgBouncer has ended: ${bouncer.output}`);
      return bouncer.pools().catch(() => null);
    });
    return bouncer;
  }

  /** What `SHOW POOLS` tells: clients and connections to the server, by database. */
  async pools(): Promise<Record<string, string>[]> {
    const { user, password } = this.login;
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user,
      password,
      database: 'pgbouncer',
    });
    await client.connect();
    try {
      return (await client.query('SHOW POOLS')).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }
}
