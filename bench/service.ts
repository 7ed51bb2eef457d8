import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AccessTokens } from '../src/auth/access-token.js';
import { loadConfig } from '../src/platform/config/config.js';

const START_TIMEOUT_MS = 30_000;
const POLL_INTERVAL_MS = 50;

/** The service as it is run in production, as a process of its own, with the routes of the benchmark beside its others. */
export class Service {
  private constructor(
    readonly port: number,
    private readonly tokens: AccessTokens,
    private readonly child: ChildProcess,
  ) {}

  static async start(
    databaseUrl: string,
    folder: string,
    nodeArguments: string[],
    settings: NodeJS.ProcessEnv = {},
  ): Promise<Service> {
    const port = await freePort();
    const env: NodeJS.ProcessEnv = {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      DATA_DIR: join(folder, 'service'),
      JWT_SECRET: randomBytes(36).toString('base64url'),
      ACCESS_TOKEN_TTL_SECONDS: '86400',
      RATE_LIMIT_FACTOR: '0',
      // Often, so that it need not be waited for; with nothing to do it is one look at an index.
      RESERVATION_SWEEP_SECONDS: '5',
      LOG_LEVEL: 'warn',
      ...settings,
    };
    // A folder of its own, so that nobody's .env has a say.
    const cwd = join(folder, 'cwd');
    await mkdir(cwd, { recursive: true });
    const run = [
      ...nodeArguments,
      ...['./nothing.js', './relay-switch.js'].flatMap((own) => [
        '--import',
        fileURLToPath(new URL(own, import.meta.url)),
      ]),
      fileURLToPath(new URL('../src/main.js', import.meta.url)),
    ];
    const child = spawn(process.execPath, run, { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] });
    const service = new Service(port, new AccessTokens(loadConfig(env)), child);
    await service.untilReady();
    return service;
  }

  /** An access token, as the service itself would have issued it. */
  tokenFor(userId: number): string {
    return this.tokens.issue({ id: userId, role: 'customer' });
  }

  /** The most memory that the process has had at once, in MiB; null where the system does not tell. */
  async peakMemoryMib(): Promise<number | null> {
    const status = await readFile(`/proc/${this.child.pid}/status`, 'utf8').catch(() => '');
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1_024;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGTERM');
    await once(this.child, 'exit');
  }

  private async untilReady(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline && this.child.exitCode === null) {
      const answer = await fetch(`http://127.0.0.1:${this.port}/health/ready`).catch(() => null);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
      await delay(POLL_INTERVAL_MS);
    }
    await this.stop();
    throw new Error('the service did not start');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return (address as { port: number }).port;
}
