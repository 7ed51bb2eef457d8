export interface DeadLetter {
  id: string;
  event_id: string;
  type: string;
  consumer: string;
  error: string;
  attempts: number;
  failed_at: string;
}

/** A letter by itself: with what its event says, and what has become of it. */
export interface WholeDeadLetter extends DeadLetter {
  data: Record<string, unknown>;
  resolution: 'retried' | 'discarded' | null;
  resolved_at: string | null;
}

/** What the page has before it has asked: the row of the list from which somebody came. */
export type KnownDeadLetter = DeadLetter & Partial<WholeDeadLetter>;
