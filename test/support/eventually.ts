import { setTimeout as pause } from 'node:timers/promises';

const ASK_INTERVAL_MS = 20;

/** Asks until the answer is true (or anything but false, null and undefined), and gives it; fails when that takes too long. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  { within = 10_000, what = 'what was waited for' } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== null && answer !== undefined) return answer as NonNullable<T>;
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${within} ms`);
    await pause(ASK_INTERVAL_MS);
  }
}
