import type { EventType } from './event.types.js';

/** How a dead letter was laid to rest: its event was handed to the consumer again, or given up. */
export type Resolution = 'retried' | 'discarded';

export interface NewDeadLetter {
  /** The job that was given up; by this a consumer that goes on in jobs of its own knows it again. */
  job_id: string;
  event_ids: string[];
  consumer: string;
  error: string;
  attempts: number;
}

export interface DeadLetter {
  id: string;
  job_id: string;
  event_id: string;
  type: EventType;
  consumer: string;
  error: string;
  attempts: number;
  failed_at: Date;
  resolved_at: Date | null;
  resolution: Resolution | null;
}
