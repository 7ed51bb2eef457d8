import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { CheckReport } from './audit.types.js';
import { BENEFIT_CHECKS } from './checks/benefits.js';
import type { Check, Findings } from './checks/check.js';
import { CLAIM_CHECKS } from './checks/claims.js';
import { EVENT_CHECKS } from './checks/events.js';
import { ORDER_CHECKS } from './checks/orders.js';
import { PAYMENT_CHECKS } from './checks/payments.js';
import { STOCK_CHECKS } from './checks/stock.js';

const CHECKS: Check[] = [
  ...STOCK_CHECKS,
  ...ORDER_CHECKS,
  ...BENEFIT_CHECKS,
  ...PAYMENT_CHECKS,
  ...EVENT_CHECKS,
  ...CLAIM_CHECKS,
];

const now = new Statement<{ now: Date }>('audit-now', 'SELECT now() AS now');

/** Reads across everybody's tables. Owns none, locks none. */
@Injectable()
export class AuditRepository {
  constructor(private readonly database: DatabaseService) {}

  /** All checks on one snapshot: a shop that goes on selling meanwhile raises no false alarm. A stop ends them by its reason. */
  async check(stopping?: AbortSignal): Promise<{ at: Date; checks: CheckReport[] }> {
    return this.database.snapshot(async (tx) => {
      const { now: at } = (await now.first([], tx)) as { now: Date };
      return { at, checks: await this.checkIn(tx, stopping) };
    });
  }

  /** All checks, on what `tx` sees. */
  async checkIn(tx: Tx, stopping?: AbortSignal): Promise<CheckReport[]> {
    const checks: CheckReport[] = [];
    for (const { name, statement } of CHECKS) {
      stopping?.throwIfAborted();
      const { violations, sample } = (await statement.first([], tx)) as Findings;
      checks.push({ name, violations, sample });
    }
    return checks;
  }
}
