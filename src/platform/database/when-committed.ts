import type { Tx } from './tx.js';

type Effect = () => void;

const NONE: readonly Effect[] = [];
const effects = new WeakMap<Tx, Effect[]>();

/**
 * Lets `effect` happen once `tx` is committed: not for a try that Postgres has undone, and not for a part that was rolled back.
 * It must not throw. When the connection is lost during COMMIT it never happens, whatever has become of the transaction: good
 * enough for counting, for nothing else.
 */
export function whenCommitted(effect: Effect, tx: Tx): void {
  const waiting = effects.get(tx);
  if (waiting) waiting.push(effect);
  else effects.set(tx, [effect]);
}

/** What waits for the commit of `tx`, in the order in which it was asked for. */
export function effectsOf(tx: Tx): readonly Effect[] {
  return effects.get(tx) ?? NONE;
}

/** Only the first `count` of the effects still wait: what came later was rolled back. */
export function forgetEffectsAfter(count: number, tx: Tx): void {
  effects.get(tx)?.splice(count);
}
