import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { commandLines, isAlive, signal } from '../../src/platform/database/os-processes.js';
import { clusterName } from '../../src/platform/database/postgres-settings.js';

// What `npm start` runs; `npm test` has built it.
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
// Half of a start is compiling. Written by those that are stopped, not by those that are killed.
const COMPILED = join(tmpdir(), 'holdfast-compiled');
// A second and a half of work for an idle core; it may have to share one with many.
const START_TIMEOUT_MS = 60_000;

type Settings = Record<string, string>;

/** A folder to start services in: their `.env` would stand there, and their data in `data`. */
export class Place {
  private readonly services: Service[] = [];

  private constructor(readonly folder: string) {}

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'holdfast-start-')));
  }

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  /** A real process of the service. It listens on a free port unless `settings` say otherwise. */
  spawn(settings: Settings = {}, script = MAIN): Service {
    const { PATH } = process.env;
    const own = { PORT: '0', DATA_DIR: this.dataDir, RATE_LIMIT_FACTOR: '0', NODE_COMPILE_CACHE: COMPILED };
    const env = { PATH, ...own, ...settings };
    const service = new Service(spawn(process.execPath, [script], { cwd: this.folder, env }));
    this.services.push(service);
    return service;
  }

  /** Resolves when the service has greeted. */
  async start(settings: Settings = {}): Promise<Service> {
    const service = this.spawn(settings);
    await service.greeted();
    return service;
  }

  /** The first process of the embedded Postgres, as its own file says; null when there is none. */
  async postgresPid(): Promise<number | null> {
    const text = await readFile(join(this.dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '');
    return Number.parseInt(text, 10) || null;
  }

  /** Every process of the embedded Postgres. */
  async postgresPids(): Promise<number[]> {
    const title = `postgres: ${clusterName(join(this.dataDir, 'postgres'))}: `;
    const workers = [...commandLines()].filter(([, command]) => command.startsWith(title));
    return [await this.postgresPid(), ...workers.map(([pid]) => pid)].filter((pid) => pid !== null);
  }

  /** Ends whatever a failed test has left, and removes the folder. */
  async clear(): Promise<void> {
    for (const service of this.services) service.kill('SIGKILL');
    for (const pid of await this.postgresPids()) signal(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Service {
  stdout = '';
  stderr = '';
  private readonly closed: Promise<unknown>;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.closed = once(child, 'close');
  }

  /** Where it said that it listens. */
  get url(): string {
    const url = /curl (http:\/\/localhost:\d+)/.exec(this.stdout)?.[1];
    if (url === undefined) throw new Error(`It has not greeted: ${this.stdout}${this.stderr}`);
    return url;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Those of `WEB_CONCURRENCY` who have answered so far, by their log; that has to be in JSON. */
  get workerPids(): number[] {
    const answered = this.stdout.matchAll(/"pid":(\d+),.*"msg":"answered"/g);
    return [...new Set([...answered].map(([, pid]) => Number(pid)))];
  }

  async greeted(): Promise<void> {
    await until(() => this.stdout.includes('curl ') || this.child.exitCode !== null, START_TIMEOUT_MS);
    if (this.child.exitCode !== null) throw new Error(`It has ended: ${this.stderr}`);
  }

  kill(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Its exit code, or the signal that killed it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await Promise.race([this.closed, pause(START_TIMEOUT_MS, undefined, { ref: false })]);
    return this.child.exitCode ?? this.child.signalCode;
  }

  async call(path: string, { token, ...init }: RequestInit & { token?: string } = {}): Promise<Response> {
    const headers = {
      ...(init.body ? { 'content-type': 'application/json' } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(init.headers as Record<string, string>),
    };
    return fetch(`${this.url}${path}`, { ...init, headers });
  }

  async post(path: string, body: unknown, token?: string, key?: string): Promise<any> {
    const headers: Record<string, string> = key ? { 'idempotency-key': key } : {};
    const response = await this.call(path, { method: 'POST', body: JSON.stringify(body), token, headers });
    return {
      status: response.status,
      replayed: response.headers.has('idempotent-replayed'),
      body: await response.json(),
    };
  }

  /** A customer with a token of their own. */
  async register(email: string): Promise<string> {
    const registration = { email, password: 'correct horse battery', name: 'Ada' };
    return (await this.post('/api/v1/auth/register', registration)).body.access_token;
  }
}

/** Polls, for so long. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It has not happened within ${timeoutMs} ms.`);
    await pause(20);
  }
}

export { isAlive, signal };
