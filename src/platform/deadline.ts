import { AsyncLocalStorage } from 'node:async_hooks';
import { RequestTimedOut } from './errors.js';

/** Until when work may commit. */
export interface Deadline {
  /** How long it has, in milliseconds: below 0 when it is too late, infinite when it has no end any more. */
  readonly leftMs: number;
  /** Somebody may have been told already that nothing was done. */
  readonly isOver: boolean;
  /** Its time has gone by, whatever became of it. */
  readonly hasPassed: boolean;
  /** From here on it is done. To be called right before COMMIT. @throws RequestTimedOut when the time is over. */
  keep(): void;
}

/**
 * The time that a request has. It ends in one of two ways, and never in both: `keep` comes first, and the request is waited
 * for, since what it does can be seen by now; or `expire` does, and nothing of it is ever committed. Both are looked at and
 * noted in one step of the event loop, so nothing comes between.
 */
export class RequestDeadline implements Deadline {
  private readonly at: number;
  private end: 'kept' | 'over' | null = null;

  constructor(leftMs: number) {
    this.at = performance.now() + leftMs;
  }

  get leftMs(): number {
    return this.end === 'kept' ? Number.POSITIVE_INFINITY : this.at - performance.now();
  }

  get hasPassed(): boolean {
    return performance.now() >= this.at;
  }

  get isOver(): boolean {
    return this.end === 'over' || (this.end === null && this.hasPassed);
  }

  keep(): void {
    if (this.isOver) this.end = 'over';
    if (this.end === 'over') throw new RequestTimedOut();
    this.end = 'kept';
  }

  /** Nothing may be committed any more. @returns false when it is too late for that. */
  expire(): boolean {
    this.end ??= 'over';
    return this.end === 'over';
  }
}

/** So long work of many may take at least, to see what became of a try that ran out of time. */
const SHARED_LEAST_MS = 250;

/**
 * The time of work that is done for several requests at once, each of which is kept by then: as long as the one that has the
 * longest. It bounds how long they wait for locks, and refuses nothing.
 */
export class SharedDeadline implements Deadline {
  readonly isOver = false;
  private readonly at: number;

  constructor(leftMs: number[]) {
    this.at = performance.now() + Math.max(...leftMs);
  }

  get leftMs(): number {
    return Math.max(SHARED_LEAST_MS, this.at - performance.now());
  }

  get hasPassed(): boolean {
    return performance.now() >= this.at;
  }

  keep(): void {
    // Each of the requests is kept.
  }
}

const deadlines = new AsyncLocalStorage<Deadline>();

/** By when what runs now has to be committed; undefined in background work and where a route takes the time that it takes. */
export const currentDeadline = (): Deadline | undefined => deadlines.getStore();

/** Runs `work`, and all that it starts, within the time. */
export const runWithin = <T>(deadline: Deadline, work: () => T): T => deadlines.run(deadline, work);
