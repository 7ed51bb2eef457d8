import type { Metrics } from '../observability/metrics.service.js';
import type { BudgetName } from './rate-limit-budgets.js';

/** What came of the calls on one budget. Plain numbers, since every request adds to one. */
export interface Decisions {
  allowed: number;
  refused: number;
  /** Allowed because nobody could count it. */
  failed_open: number;
}

/** Tells what was decided at `/metrics`. @returns where the calls on each of the budgets are to be counted. */
export function declareDecisions(budgets: BudgetName[], metrics: Metrics): Record<BudgetName, Decisions> {
  const made = budgets.map((budget) => [budget, { allowed: 0, refused: 0, failed_open: 0 }] as const);
  const decisions = Object.fromEntries(made) as unknown as Record<BudgetName, Decisions>;
  metrics.countersBy(
    'rate_limit_decisions_total',
    'Calls on each budget: `allowed`, `refused`, or `failed_open`, which is allowed because nobody could count it.',
    ['budget', 'decision'],
    () =>
      made.flatMap(([budget, tally]) =>
        Object.entries(tally).map(([decision, total]): [Record<'budget' | 'decision', string>, number] => [
          { budget, decision },
          total,
        ]),
      ),
  );
  return decisions;
}
