import { Logger } from '@nestjs/common';

/** While something is broken, e.g. the database away, frequent work would only fill the log. */
const PAUSE_AFTER_FAILURE_MS = 1_000;

/**
 * Work that is done again and again for as long as the process runs: never twice at once, never given up for an error,
 * and finished, not cut off, by `stop`. What goes by batches looks at the signal between them, and leaves the rest.
 */
export class Recurring {
  private readonly logger = new Logger('Recurring');
  private timer: NodeJS.Timeout | undefined;
  private underWay: Promise<void> | undefined;
  private ending = new AbortController();
  private stopped = true;

  constructor(
    private readonly name: string,
    private readonly intervalMs: number,
    private readonly work: (stopping: AbortSignal) => Promise<unknown>,
  ) {}

  /** The first run comes one interval from now. */
  start(): void {
    this.stopped = false;
    this.ending = new AbortController();
    this.schedule();
  }

  /** No run follows the one that is under way. For the work itself, when it is done for good. */
  finish(): void {
    this.stopped = true;
    this.ending.abort();
    clearTimeout(this.timer);
  }

  /** Resolves when the run that is under way has ended; none follows. Idempotent. */
  async stop(): Promise<void> {
    this.finish();
    await this.underWay;
  }

  private schedule(afterMs = this.intervalMs): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.underWay = this.run().then((done) => {
        this.schedule(done ? this.intervalMs : Math.max(this.intervalMs, PAUSE_AFTER_FAILURE_MS));
      });
    }, afterMs);
    // Background work alone must not keep a process alive whose server is closed.
    this.timer.unref();
  }

  private async run(): Promise<boolean> {
    const { signal } = this.ending;
    try {
      await this.work(signal);
      return true;
    } catch (error) {
      if (signal.aborted && error === signal.reason) return true;
      this.logger.warn(`${this.name} failed and will be tried again: ${(error as Error).message}`);
      return false;
    }
  }
}
