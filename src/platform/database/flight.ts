import { SqlState, sqlStateOf } from './database.errors.js';

/**
 * Waits for statements that were started together on one connection, and so share one wait for the server.
 *
 * Waits for all of them even when one fails, and throws then: with `Promise.all` the transaction would be rolled back and
 * its connection given away while a slower branch still starts statements, which would run outside of it.
 */
export async function inOneFlight<T extends readonly unknown[]>(
  statements: {
    [K in keyof T]: Promise<T[K]>;
  },
): Promise<T> {
  const settled = await Promise.allSettled(statements);
  const failed = settled.filter((each) => each.status === 'rejected').map(({ reason }) => reason);
  // One statement has failed; the others only say that the transaction was aborted by then.
  if (failed.length > 0)
    throw failed.find((reason) => sqlStateOf(reason) !== SqlState.inFailedTransaction) ?? failed[0];
  return settled.map((each) => (each as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
