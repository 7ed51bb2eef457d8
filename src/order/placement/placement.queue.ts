import { Overloaded } from '../../platform/errors.js';
import { currentThread, doTogether, type Thread } from '../../platform/observability/tracing.js';

interface Waiting<Request, Outcome> {
  request: Request;
  /** Requests with the same key never share a batch: the later one must see what became of the earlier. */
  key: string | null;
  since: number;
  thread: Thread;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
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
    /** Is told of each batch how long its requests have waited, in milliseconds. */
    private readonly watch: (waitedMs: number[]) => void = () => undefined,
  ) {}

  /** Resolves with the request's own outcome. @throws Overloaded when more is waiting than the bound. */
  async enter(request: Request, key: string | null): Promise<Outcome> {
    if (this.waiting.length >= this.waitingMax)
      throw new Overloaded('too many orders are waiting; try again');
    return new Promise<Outcome>((resolve, reject) => {
      this.waiting.push({ request, key, since: performance.now(), thread: currentThread(), resolve, reject });
      if (!this.underWay) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.underWay = true;
    while (this.waiting.length > 0) await this.runNext();
    this.underWay = false;
  }

  private async runNext(): Promise<void> {
    const batch = this.takeNext();
    const now = performance.now();
    this.watch(batch.map(({ since }) => now - since));
    try {
      const task = { name: 'placement batch', attributes: { 'holdfast.batch_size': batch.length } };
      const threads = batch.map(({ thread }) => thread);
      // The loop goes on in the thread of whoever has begun it, which has nothing to do with this batch.
      const outcomes = await doTogether(task, threads, () => this.place(batch.map(({ request }) => request)));
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index] as PromiseSettledResult<Outcome>;
        if (outcome.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome.reason);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  private takeNext(): Waiting<Request, Outcome>[] {
    const keys = new Set<string>();
    const batch: Waiting<Request, Outcome>[] = [];
    const later: Waiting<Request, Outcome>[] = [];
    for (const entry of this.waiting) {
      const fits = batch.length < this.batchMax && (entry.key === null || !keys.has(entry.key));
      (fits ? batch : later).push(entry);
      if (fits && entry.key !== null) keys.add(entry.key);
    }
    this.waiting = later;
    return batch;
  }
}
