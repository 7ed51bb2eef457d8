import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger as Pino } from 'pino';
import { StartFailed } from './start-failed.js';

/** What a worker is told before it begins. By a message, so that secrets do not stand in anybody's environment. */
export interface Briefing {
  /** Its place, from 1: whoever replaces it has the same. */
  place: number;
  /** What was provided for it, over its own environment. */
  settings: NodeJS.ProcessEnv;
  embedded: boolean;
}

/** Where a worker serves, and the first admin when it has just made one. */
export interface Served {
  address: string;
  admin: { email: string; password: string } | null;
}

interface Life {
  worker: Worker;
  /** Null when it has ended before it served. */
  served: Promise<Served | null>;
  /** How it has ended: its exit code or the signal. */
  ended: Promise<number | string>;
  servesSince?: number;
  /** Why it could not start, in one sentence. */
  failure?: string;
}

/** Who has served for so long has not died of its start. */
const STEADY_MS = 10_000;
const REPLACE_WAIT_BASE_MS = 250;
const REPLACE_WAIT_MAX_MS = 30_000;
const SETBACKS_MAX = 4;

/**
 * The workers of this machine: processes like this one that share its port. Each is a whole instance, HTTP and background
 * work, as if it were on a machine of its own. Whoever dies is replaced: at once if it had served for a while, else after a
 * wait that doubles.
 */
export class Workers {
  private readonly lives = new Map<number, Life>();
  private readonly stopping = new AbortController();

  /** `onGivenUp` is told why, once, when nobody serves any more and it does not look as if anybody will. */
  constructor(
    private readonly count: number,
    private readonly briefing: Omit<Briefing, 'place'>,
    private readonly log: Pino,
    private readonly onGivenUp: (reason: StartFailed) => void,
  ) {}

  /**
   * Resolves when the first serves; the others follow. The first begins alone: what keeps it from starting would keep all,
   * and is said once.
   * @throws StartFailed
   */
  async start(): Promise<Served> {
    const first = this.fork(1);
    const served = await first.served;
    if (served === null) {
      throw new StartFailed(first.failure ?? `The first worker has ended with ${await first.ended}.`);
    }
    void this.keep(1, first);
    for (let place = 2; place <= this.count; place++) void this.keep(place, this.fork(place));
    return served;
  }

  /** Lets all of them finish what is under way, at the same time. @throws Error when one has not ended well. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const ends = [...this.lives].map(async ([place, { worker, ended, servesSince }]) => {
      worker.process.kill('SIGTERM');
      const end = await ended;
      // Who has only just begun ends by the signal itself, or of what keeps it from starting.
      if (end !== 0 && servesSince !== undefined) throw new Error(`worker ${place} has ended with ${end}`);
    });
    const faults = (await Promise.allSettled(ends)).filter(({ status }) => status === 'rejected');
    if (faults.length > 0) throw (faults[0] as PromiseRejectedResult).reason;
  }

  private fork(place: number): Life {
    const worker = cluster.fork();
    // A message to one that has just died; its end is told as well.
    worker.on('error', () => undefined);
    const ended = new Promise<number | string>((resolve) => {
      worker.once('exit', (code, signal) => {
        this.lives.delete(place);
        resolve(signal ?? code);
      });
    });
    const life: Life = { worker, ended, served: ended.then(() => null) };
    const reported = new Promise<Served>((resolve) => {
      worker.on('message', (message: Report) => {
        if (message?.failure) life.failure = message.failure;
        if (!message?.served) return;
        life.servesSince = performance.now();
        resolve(message.served);
      });
    });
    life.served = Promise.race([reported, life.served]);
    worker.send({ ...this.briefing, place } satisfies Briefing);
    this.lives.set(place, life);
    return life;
  }

  /** Until the stop, somebody is in this place. */
  private async keep(place: number, first: Life): Promise<void> {
    let life = first;
    for (let setbacks = 0; ; ) {
      const end = await life.ended;
      if (this.stopping.signal.aborted) return;
      const servedMs = life.servesSince === undefined ? 0 : performance.now() - life.servesSince;
      setbacks = servedMs > STEADY_MS ? 0 : setbacks + 1;
      const reason = life.failure ?? `it has ended with ${end}.`;
      if (setbacks >= SETBACKS_MAX && !this.anyServes()) {
        return this.onGivenUp(
          new StartFailed(`Worker ${place} has failed ${setbacks} times in a row, at last: ${reason}`),
        );
      }
      this.log.warn(`worker ${place} is replaced: ${reason}`);
      const waitMs = setbacks === 0 ? 0 : REPLACE_WAIT_BASE_MS * 2 ** (setbacks - 1);
      await this.pause(Math.min(waitMs, REPLACE_WAIT_MAX_MS));
      if (this.stopping.signal.aborted) return;
      life = this.fork(place);
    }
  }

  private anyServes(): boolean {
    return [...this.lives.values()].some(({ servesSince }) => servesSince !== undefined);
  }

  private async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}

/** What a worker tells the primary about itself. */
interface Report {
  served?: Served;
  failure?: string;
}

/** In a worker: what the primary has told. `signal` ends the wait. */
export async function briefing(signal: AbortSignal): Promise<Briefing> {
  const [message] = await once(process, 'message', { signal });
  return message as Briefing;
}

/** In a worker: tells the primary that it serves, or why it cannot. Resolves when that is on its way. */
export async function report(message: Report): Promise<void> {
  await new Promise((resolve) => {
    // Whoever should hear it may be gone; then we are stopping already.
    if (!process.send?.(message, undefined, undefined, resolve)) resolve(null);
  });
}

/**
 * In a worker: `stop` is called when the primary is gone, were it by `kill -9`, and with it the port. Node alone would end
 * the worker there and then, in the middle of what is under way.
 */
export function whenAbandoned(stop: () => void): void {
  const { worker } = cluster;
  worker?.once('disconnect', () => {
    worker.exitedAfterDisconnect = true;
    stop();
  });
}
