export interface QueueOptions {
  /** How often a job is tried in all before it is given up. */
  attemptsMax: number;
  /** The wait before the second try; it doubles with each further one, and each may be up to twice as long. Default 1 s. */
  retryBaseMs?: number;
  /** The queue to which a job goes that was given up. It must have been opened before this one. */
  deadLetterQueue?: string;
  /** A job that is not finished by then counts as failed: its process may be gone. Default 60. */
  timeLimitSeconds?: number;
  /** How many jobs one process works on at once. Default 1. */
  concurrency?: number;
}

export interface Job<Data extends object> {
  readonly id: string;
  readonly data: Data;
  /** 1 at the first try. */
  readonly attempt: number;
}

/** A job that was given up, as its dead letter queue gets it. */
export interface DeadJob<Data extends object> extends Job<Data> {
  readonly source: {
    readonly id: string;
    readonly queue: string;
    readonly attempts: number;
    /** What the last try threw. */
    readonly error: string;
  };
}

export interface SendOptions {
  /** Not before so many seconds have passed. */
  delaySeconds?: number;
}
