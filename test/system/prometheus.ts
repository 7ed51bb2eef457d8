import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { pathOf } from './operations.js';
import { program } from './program.js';

export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

/** A Prometheus of the test's own that scrapes one service every second and watches over the rules that we ship. */
export class Prometheus {
  private said = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly url: string,
  ) {
    child.stderr?.on('data', (text) => {
      this.said += text;
    });
  }

  /** Resolves when it is ready. */
  static async watching(serviceUrl: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-prometheus-'));
    const config = join(folder, 'prometheus.yml');
    await writeFile(config, configFor(new URL(serviceUrl).host));
    const address = `127.0.0.1:${await freePort()}`;
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=${address}`,
    ];
    const child = spawn(program('prometheus'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const prometheus = new Prometheus(child, folder, `http://${address}`);
    try {
      await eventually(() => prometheus.isReady(), { what: 'a ready Prometheus', within: 30_000 });
    } catch (error) {
      await prometheus.stop();
      throw new Error(`${(error as Error).message}: ${prometheus.said}`);
    }
    return prometheus;
  }

  /** What a query answers now. Throws what Prometheus has against it. */
  async query(expression: string): Promise<Sample[]> {
    return (await this.get<{ result: Sample[] }>(`query?query=${encodeURIComponent(expression)}`)).result;
  }

  /** The only number of a query, or null when there is none. */
  async number(expression: string): Promise<number | null> {
    const [sample] = await this.query(expression);
    return sample === undefined ? null : Number(sample.value[1]);
  }

  /** Something of its API, by the path behind `/api/v1/`. */
  async get<Data>(path: string): Promise<Data> {
    const answer = await fetch(`${this.url}/api/v1/${path}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: Data; error?: string };
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  private async isReady(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error('Prometheus has ended');
    return fetch(`${this.url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

// JSON is YAML.
function configFor(target: string): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: [pathOf('deploy/prometheus/alerts.yml')],
    scrape_configs: [{ job_name: 'holdfast', static_configs: [{ targets: [target] }] }],
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
