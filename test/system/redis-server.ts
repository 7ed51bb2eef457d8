import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { program } from './program.js';

/** A real Redis on a free port, which a test may kill, stop in its tracks, and start again. */
export class RedisServer {
  private process: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly folder: string,
  ) {}

  /** It does not run yet. */
  static async prepare(): Promise<RedisServer> {
    return new RedisServer(await freePort(), await mkdtemp(join(tmpdir(), 'holdfast-redis-')));
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Resolves when it takes connections. It has forgotten everything from before. */
  async start(): Promise<void> {
    const port = String(this.port);
    const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const server = spawn(program('redis-server'), [...args, '--dir', this.folder], { stdio: 'pipe' });
    this.process = server;
    let said = '';
    server.stdout?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    await eventually(() => said.includes('Ready to accept connections'), { what: `Redis; it said: ${said}` });
  }

  /** As by `kill -9`: gone without a word. */
  async kill(): Promise<void> {
    const { process: server } = this;
    if (!server) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
    this.process = null;
  }

  get isRunning(): boolean {
    return this.process !== null;
  }

  /** It keeps its connections, takes new ones, and answers nobody. */
  hang(): void {
    this.process?.kill('SIGSTOP');
  }

  goOn(): void {
    this.process?.kill('SIGCONT');
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
