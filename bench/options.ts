import { readFileSync } from 'node:fs';
/** What one run measures; every one of them an environment variable, see README.md. */
export interface Options {
  measureMs: number;
  warmUpMs: number;
  connectionCounts: number[];
  /** Measures only the cells whose name holds this text. */
  only: string;
  /** Where the temporary data lies; the figures are those of this disk. */
  folder: string | undefined;
  /** Further arguments of the service's Node, e.g. a profiler's. */
  serviceNodeArguments: string[];
}

export function readOptions(env: NodeJS.ProcessEnv): Options {
  return {
    measureMs: positive('BENCH_SECONDS', env.BENCH_SECONDS ?? '5') * 1_000,
    warmUpMs: positive('BENCH_WARM_UP_SECONDS', env.BENCH_WARM_UP_SECONDS ?? '1') * 1_000,
    connectionCounts: (env.BENCH_CONNECTIONS ?? '1,8,64,256')
      .split(',')
      .map((count) => positive('BENCH_CONNECTIONS', count)),
    only: env.BENCH_ONLY ?? '',
    folder: env.BENCH_DIR,
    serviceNodeArguments: (env.BENCH_NODE_ARGUMENTS ?? startArguments())
      .split(' ')
      .filter((argument) => argument !== ''),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a positive number, not "${text}"`);
  return value;
}

/** What `npm start` gives to Node: the figures are those of the service as it is really run. */
function startArguments(): string {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
  return /node (.*) dist\/main\.js/.exec(scripts.start)?.[1] ?? '';
}
