/** One caller that waits for each answer before it asks again. */
export interface Client {
  /** Resolves with the status of the answer, or with `UNANSWERED`; never rejects. */
  call(): Promise<number>;
  close(): Promise<void>;
}

/** The connection broke or the answer did not come: whether the call had an effect is not known. */
export const UNANSWERED = 0;

export interface Measurement {
  /** Answers of 2xx in the measured time, a second. */
  perSecond: number;
  /** Of those answers, in milliseconds. */
  p50: number;
  p95: number;
  p99: number;
  /** Every other answer of the whole cell, by status. */
  errors: Map<number, number>;
  /** Answers of 2xx in the whole cell, warm-up included. */
  acknowledged: number;
}

/**
 * Lets all clients call as fast as they are answered: first to warm up, then for the measured time. When it resolves,
 * nothing is under way any more.
 */
export async function measure(clients: Client[], warmUpMs: number, measureMs: number): Promise<Measurement> {
  const latencies: number[] = [];
  const errors = new Map<number, number>();
  let acknowledged = 0;
  const start = performance.now() + warmUpMs;
  const end = start + measureMs;

  const callUntilTheEnd = async (client: Client): Promise<void> => {
    for (let asked = performance.now(); asked < end; ) {
      const status = await client.call();
      const answered = performance.now();
      if (status < 200 || status > 299) errors.set(status, (errors.get(status) ?? 0) + 1);
      else {
        acknowledged += 1;
        if (answered >= start && answered < end) latencies.push(answered - asked);
      }
      asked = answered;
    }
  };
  await Promise.all(clients.map(callUntilTheEnd));

  const sorted = Float64Array.from(latencies).sort();
  return {
    perSecond: latencies.length / (measureMs / 1_000),
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    errors,
    acknowledged,
  };
}

/** What that share of the sorted values does not exceed. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
