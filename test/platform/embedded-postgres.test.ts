import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import {
  type EmbeddedPostgres,
  EmbeddedPostgresFailed,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/platform/database/embedded-postgres.js';
import { isAlive } from '../../src/platform/database/os-processes.js';
import { built } from '../support/build.js';

// One cluster serves all of these: making one takes a second, starting it a tenth of that.
let dataDir: string;
const started: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'holdfast-postgres-'));
});

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

afterAll(() => rm(dataDir, { recursive: true }));

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const defaults = { dataDir, port: 0, password: 'secret', durable: false, revive: false };
  const server = await startEmbeddedPostgres({ ...defaults, ...options });
  started.push(server);
  return server;
}

async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

async function setting(url: string, name: string): Promise<string | undefined> {
  const rows = await query<{ value: string }>(url, `SELECT current_setting('${name}') AS value`);
  return rows[0]?.value;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (await holds()) return;
    await pause(50);
  }
  throw new Error('It has not happened within ten seconds.');
}

/** A service of its own, with the cluster's Postgres running, that is then killed without a chance to stop it. */
async function givenServiceThatIsKilled(): Promise<number> {
  const url = pathToFileURL(built('platform/database/embedded-postgres.js'));
  const script = `import { startEmbeddedPostgres } from ${JSON.stringify(url)};
    const server = await startEmbeddedPostgres({ dataDir: process.argv[1], port: 0, password: 'secret', durable: false });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  return Number(output);
}

describe('the first start', () => {
  it('makes a UTF-8 database in UTC with checksums, on the loopback address, and only for those with the password', async () => {
    const server = await start({ durable: true });
    expect(await setting(server.url, 'server_encoding')).toBe('UTF8');
    expect(await setting(server.url, 'timezone')).toBe('UTC');
    expect(await setting(server.url, 'data_checksums')).toBe('on');
    expect(await setting(server.url, 'listen_addresses')).toBe('127.0.0.1');
    expect(await setting(server.url, 'fsync')).toBe('on');
    expect(await setting(server.url, 'synchronous_commit')).toBe('on');
    expect(await query(server.url, `SELECT lower('ÄÖ') AS text`)).toEqual([{ text: 'äö' }]);
    await expect(query(server.url.replace('secret', 'guess'), 'SELECT 1')).rejects.toThrow('password');
  });

  it('sweeps away what an interrupted one has left', async () => {
    const draft = join(dataDir, 'postgres.draft-1');
    await mkdir(join(draft, 'cluster', 'base'), { recursive: true });
    await writeFile(join(draft, 'cluster', 'PG_VERSION'), '18\n');
    await start();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.log']);
  });

  it('touches no folder that is not its own', async () => {
    const other = await mkdtemp(join(tmpdir(), 'holdfast-foreign-'));
    await mkdir(join(other, 'postgres'));
    await writeFile(join(other, 'postgres', 'letters.txt'), '');
    await expect(start({ dataDir: other })).rejects.toThrow('holds files but no Postgres database');
    await writeFile(join(other, 'postgres', 'PG_VERSION'), '12\n');
    await expect(start({ dataDir: other })).rejects.toThrow('was made by Postgres 12');
    await rm(other, { recursive: true });
  });
});

describe('a start after a kill', () => {
  it('takes over a Postgres that has outlived its service', async () => {
    const pid = await givenServiceThatIsKilled();
    const server = await start();
    expect(server.pid).toBe(pid);
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });

  it('starts it anew when it is not as it should be: on another port, with other settings', async () => {
    const first = await start();
    const second = await start({ settings: { work_mem: '8MB' } });
    expect(second.pid).not.toBe(first.pid);
    expect(await setting(second.url, 'work_mem')).toBe('8MB');
  });

  it('has everything that was committed when Postgres itself was killed', async () => {
    const first = await start({ durable: true });
    await query(first.url, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
    process.kill(first.pid, 'SIGKILL');
    const second = await start({ durable: true });
    expect(await query(second.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
  });

  it('is not held up by a server process that computes on without its head', async () => {
    const first = await start();
    const orphaned = query(first.url, 'SELECT count(*) FROM generate_series(1, 100000000000)').catch(
      () => 'cut off',
    );
    await until(async () => {
      const busy = await query(
        first.url,
        `SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT count(*) FROM gen%'`,
      );
      return busy.length > 0;
    });
    process.kill(first.pid, 'SIGKILL');
    const second = await start();
    expect(await setting(second.url, 'port')).toBe(String(second.port));
    expect(await orphaned).toBe('cut off');
  });

  it('is not held up by a postmaster.pid that names a living process which is not Postgres', async () => {
    const server = await start();
    await server.stop();
    const cluster = join(dataDir, 'postgres');
    const { uid, gid } = await stat(cluster);
    // As the same user: of another user's process Postgres itself would see that it cannot be Postgres.
    const stranger = spawn('sleep', ['60'], { uid, gid });
    children.push(stranger);
    const pidFile = join(cluster, 'postmaster.pid');
    await writeFile(
      pidFile,
      `${stranger.pid}\n${cluster}\n1700000000\n${server.port}\n\n127.0.0.1\n 1 1\nready\n`,
    );
    await chown(pidFile, uid, gid);
    await start();
    expect(stranger.exitCode).toBeNull();
  });

  it('refuses in one sentence when the password is not the one that the database was made with', async () => {
    await expect(start({ password: 'other' })).rejects.toThrow(
      'refuses our password: bring back the secrets.json',
    );
    expect(await readdir(join(dataDir, 'postgres'))).not.toContain('postmaster.pid');
  });
});

describe('while the service runs', () => {
  it('Postgres comes back on the same port when it dies', async () => {
    const lines: string[] = [];
    const server = await start({ revive: true, onLog: (line) => lines.push(line) });
    const killed = server.pid;
    process.kill(killed, 'SIGKILL');
    await until(() => server.pid !== killed);
    expect(await setting(server.url, 'port')).toBe(String(server.port));
    expect(lines.join('\n')).toContain(`Postgres (process ${killed}) has died; it is started again`);
  });

  it('stops cleanly with clients still connected, once, however often it is asked to', async () => {
    const server = await start({ revive: true });
    const client = new pg.Client(server.url);
    client.on('error', () => undefined);
    await client.connect();
    await client.query('BEGIN');
    await Promise.all([server.stop(), server.stop()]);
    expect(isAlive(server.pid)).toBe(false);
    await client.end();
  });
});

describe('the log', () => {
  it('is set aside at a start when it has grown too long', async () => {
    await truncate(join(dataDir, 'postgres.log'), 11 * 1024 * 1024);
    await start();
    expect((await stat(join(dataDir, 'postgres.log.1'))).size).toBe(11 * 1024 * 1024);
    expect((await stat(join(dataDir, 'postgres.log'))).size).toBeLessThan(10_000);
  });
});

describe('a fixed port', () => {
  it('is used', async () => {
    const { port } = await start();
    const server = await start({ port });
    expect(server.port).toBe(port);
  });

  it('that is taken is named in one sentence, with its setting', async () => {
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as { port: number };
    await expect(start({ port })).rejects.toThrow(EmbeddedPostgresFailed);
    await expect(start({ port })).rejects.toThrow(
      `Port ${port} (EMBEDDED_POSTGRES_PORT) is taken by another program`,
    );
    occupant.close();
  });
});

describe('a setting that Postgres refuses', () => {
  it('ends in what Postgres says about it', async () => {
    await expect(start({ settings: { shared_buffers: 'many' } })).rejects.toThrow(
      /Postgres did not start; its log .* ends: .*invalid value for parameter "shared_buffers"/,
    );
  });
});
