/** What one check has found: nothing, if all is well. */
export interface CheckReport {
  name: string;
  /** How many rows break it. */
  violations: number;
  /** Up to ten of them, as ids and numbers. Amounts are in minor units. */
  sample: Record<string, unknown>[];
}

export interface AuditReport {
  consistent: boolean;
  /** The moment that all checks have looked at, by the database's clock. */
  checked_at: Date;
  checks: CheckReport[];
}
