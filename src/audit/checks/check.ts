import { Statement } from '../../platform/database/statement.js';

const SAMPLE_MAX = 10;

export type Findings = { violations: number; sample: Record<string, unknown>[] };

/** One promise, as a query that answers the rows which break it. */
export interface Check {
  /** Stands in reports and in the metric, so it does not change. */
  name: string;
  statement: Statement<Findings>;
}

/** A check of which `broken` answers one row per violation: the ids and numbers that a person needs in order to look. */
export function check(name: string, broken: string): Check {
  const text = `WITH broken AS (${broken})
    SELECT (SELECT count(*) FROM broken) AS violations,
           coalesce((SELECT jsonb_agg(b) FROM (SELECT * FROM broken LIMIT ${SAMPLE_MAX}) b), '[]') AS sample`;
  return { name, statement: new Statement<Findings>(`audit-${name}`, text) };
}
