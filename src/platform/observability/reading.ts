/** How old figures may be unless somebody says otherwise. */
export const KEPT_MS = 5_000;
const LIMIT_MS = 1_000;

/**
 * Figures that somebody has to be asked for, kept for a few seconds. However many want them, they are asked for once, and
 * nobody waits for long.
 */
export class Reading<T> {
  private underWay: Promise<T | null> | undefined;
  private kept: { figures: T | null; until: number } = { figures: null, until: 0 };

  constructor(
    private readonly read: () => Promise<T>,
    private readonly complain: (error: Error) => void,
    private readonly keptMs: number,
  ) {}

  /** The figures, or null when they cannot be had now: reading has failed, a moment ago perhaps, or takes too long. */
  async take(): Promise<T | null> {
    if (performance.now() < this.kept.until) return this.kept.figures;
    this.underWay ??= this.readAndKeep();
    return within(LIMIT_MS, this.underWay);
  }

  private async readAndKeep(): Promise<T | null> {
    const figures = await this.read().catch((error: Error) => {
      this.complain(error);
      return null;
    });
    // A failure is kept as well, but not for long: what is in trouble is not asked more often.
    this.kept = { figures, until: performance.now() + (figures === null ? KEPT_MS : this.keptMs) };
    this.underWay = undefined;
    return figures;
  }
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
