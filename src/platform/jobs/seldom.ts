/** Tells the first message at once and then at most one per interval, with how many were left out: an outage is one story. */
export class Seldom {
  private timer: NodeJS.Timeout | undefined;
  private leftOut = 0;
  private last = '';

  constructor(
    private readonly intervalMs: number,
    private readonly say: (message: string) => void,
  ) {}

  tell(message: string): void {
    if (this.timer) {
      this.leftOut += 1;
      this.last = message;
      return;
    }
    this.say(message);
    this.timer = setTimeout(() => this.resume(), this.intervalMs);
    this.timer.unref();
  }

  /** Whatever is still to be told is told now. */
  stop(): void {
    clearTimeout(this.timer);
    this.resume();
  }

  private resume(): void {
    this.timer = undefined;
    if (this.leftOut === 0) return;
    const message = `${this.last} (and ${this.leftOut - 1} more like it)`;
    this.leftOut = 0;
    this.tell(message);
  }
}
