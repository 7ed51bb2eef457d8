import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { built } from '../support/build.js';
import { eventually } from '../support/eventually.js';

const PRELOAD = fileURLToPath(new URL('./preload.js', import.meta.url));
// A second and a half of work for an idle core; it may have to share one with many.
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;
const OUTPUT_KEPT_CHARACTERS = 4_000;

export const ADMIN = { email: 'grace@shop.example', password: 'seven purple tractors hum' };

/** For the preload: what is broken in the process on purpose. See preload.js. */
export interface Faults {
  FAULT_CRASH_AT?: string;
  PAYMENT_TIMEOUT_MS?: string;
  FAULT_RANDOM_KEYS?: 'yes';
  FAULT_NO_RECOVERY?: 'yes';
}

/** The built service as a process of its own, started as in production, always on the same port. */
export class ServiceProcess {
  /** How often it has ended without having been killed here. */
  endedByItself = 0;
  /** What it has logged of errors that it did not expect. */
  readonly faultsLogged: string[] = [];
  private child: ChildProcess | undefined;
  private output = '';
  private isClosing = false;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly settings: Record<string, string>,
  ) {}

  /** Not started yet. */
  static async prepare(settings: Record<string, string>): Promise<ServiceProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-faults-'));
    return new ServiceProcess(await freePort(), folder, settings);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves when it is ready. */
  async start(faults: Faults = {}): Promise<void> {
    this.spawn(faults);
    const child = this.child;
    await eventually(
      async () => {
        if (this.child !== child || child?.exitCode !== null) throw new Error(`it has ended: ${this.output}`);
        return this.isReady();
      },
      { within: START_TIMEOUT_MS, what: 'a service that is ready' },
    );
  }

  /** `kill -9`. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended();
  }

  /** Resolves when the process is gone, with the signal that killed it. */
  async ended(): Promise<NodeJS.Signals | number | null> {
    const child = this.child;
    if (!child) return null;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.signalCode ?? child.exitCode;
  }

  /** What it said last, for whoever has to find out why. */
  get lastWords(): string {
    return this.output;
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => null,
    );
    await answer?.arrayBuffer().catch(() => undefined);
    return answer?.ok ?? false;
  }

  /** SIGTERM, if it runs; `kill -9` when it does not hear. @returns how it has ended, when it had not before. */
  async close(): Promise<NodeJS.Signals | number | null> {
    this.isClosing = true;
    const wasRunning = this.child?.exitCode === null && this.child.signalCode === null;
    this.child?.kill('SIGTERM');
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const end = await this.ended();
    clearTimeout(timer);
    await rm(this.folder, { recursive: true, force: true });
    return wasRunning ? end : null;
  }

  private spawn(faults: Faults): void {
    const env = { PATH: process.env.PATH, ...this.base(), ...this.settings, ...faults };
    const preload = Object.keys(faults).length > 0 ? ['--import', PRELOAD] : [];
    // Without what `npm start` says of memory: that makes a start cost half as much again, and there are a hundred here.
    const child = spawn(process.execPath, [...preload, built('main.js')], {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_KEPT_CHARACTERS);
        this.faultsLogged.push(...text.split('\n').filter((line) => line.includes('"internal_error"')));
      });
    }
    child.once('exit', (_code, signal) => {
      if (signal !== 'SIGKILL' && !this.isClosing) this.endedByItself += 1;
    });
    this.child = child;
  }

  private base(): Record<string, string> {
    return {
      NODE_ENV: 'production',
      PORT: String(this.port),
      DATA_DIR: join(this.folder, 'data'),
      JWT_SECRET: 'tVn7-Qx2m_9LdRz4-Wc8kHb3-Yf6pGs1_Jq5',
      ADMIN_EMAIL: ADMIN.email,
      ADMIN_PASSWORD: ADMIN.password,
      // Half of a start is compiling. Written by those that are stopped, not by those that are killed.
      NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-compiled'),
      RATE_LIMIT_FACTOR: '0',
      LOG_LEVEL: 'warn',
      // Short, so that what hangs is given up and asked about within a test.
      PAYMENT_TIMEOUT_MS: '1000',
      PAYMENT_RECOVERY_SECONDS: '1',
    };
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
