import { currentDeadline, type Deadline, runWithin, SharedDeadline } from '../../platform/deadline.js';
import { Overloaded } from '../../platform/errors.js';
import { currentThread, doTogether, type Thread } from '../../platform/observability/tracing.js';

interface Waiting<Request, Outcome> {
  request: Request;
  since: number;
  thread: Thread;
  deadline: Deadline | undefined;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

interface Watch {
  /** Is told of each batch how long its requests have waited, in milliseconds. */
  batch(waitedMs: number[]): void;
  /** Somebody was turned away. */
  full(): void;
}

/**
 * Forms batches by itself: what arrives while a batch is under way is the next batch. No timer, and no wait when idle.
 *
 * Postgres flushes its log before it lets a row lock go, so one hot product sells at most one transaction a flush; only
 * more orders in a transaction go beyond that.
 */
export class PlacementQueue<Request, Outcome> {
  private waiting: Waiting<Request, Outcome>[] = [];
  private underWay = false;

  constructor(
    private readonly place: (batch: Request[]) => Promise<PromiseSettledResult<Outcome>[]>,
    private readonly batchMax: number,
    private readonly waitingMax: number,
    private readonly watch: Watch = { batch: () => undefined, full: () => undefined },
  ) {}

  /**
   * Resolves with the request's own outcome.
   * @throws Overloaded when more is waiting than the bound; RequestTimedOut when its time is over before its batch begins.
   */
  async enter(request: Request): Promise<Outcome> {
    if (this.waiting.length >= this.waitingMax) {
      this.watch.full();
      throw new Overloaded('too many orders are waiting; try again');
    }
    const deadline = currentDeadline();
    return new Promise<Outcome>((resolve, reject) => {
      const thread = currentThread();
      this.waiting.push({ request, since: performance.now(), thread, deadline, resolve, reject });
      if (!this.underWay) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.underWay = true;
    while (this.waiting.length > 0) await this.runNext();
    this.underWay = false;
  }

  private async runNext(): Promise<void> {
    const { batch, deadline } = this.takeNext();
    if (batch.length === 0) return;
    const now = performance.now();
    this.watch.batch(batch.map(({ since }) => now - since));
    try {
      const task = { name: 'placement batch', attributes: { 'holdfast.batch_size': batch.length } };
      const threads = batch.map(({ thread }) => thread);
      // The loop goes on in the thread of whoever has begun it, which has nothing to do with this batch.
      const outcomes = await doTogether(task, threads, () =>
        runWithin(deadline, () => this.place(batch.map(({ request }) => request))),
      );
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index] as PromiseSettledResult<Outcome>;
        if (outcome.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome.reason);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  // What is under way is waited for: one request's time must not undo what its neighbours were promised.
  private takeNext(): { batch: Waiting<Request, Outcome>[]; deadline: Deadline } {
    const batch: Waiting<Request, Outcome>[] = [];
    const leftMs: number[] = [];
    let taken = 0;
    for (const entry of this.waiting) {
      if (batch.length === this.batchMax) break;
      taken += 1;
      const entryLeftMs = entry.deadline?.leftMs ?? Number.POSITIVE_INFINITY;
      if (!isKept(entry)) continue;
      batch.push(entry);
      leftMs.push(entryLeftMs);
    }
    this.waiting.splice(0, taken);
    return { batch, deadline: new SharedDeadline(leftMs) };
  }
}

/** @returns false when its time is over: it is told so, and not placed. */
function isKept({ deadline, reject }: Pick<Waiting<unknown, unknown>, 'deadline' | 'reject'>): boolean {
  try {
    deadline?.keep();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
