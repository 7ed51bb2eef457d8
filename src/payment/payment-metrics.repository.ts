import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement } from '../platform/database/statement.js';

// By the index of unsettled attempts; no further than anybody needs to know.
const COUNTED_MAX = 10_000;
const measureUnknown = new Statement<{ payments: number; oldest_seconds: number }>(
  'payment-measure-unknown',
  `SELECT count(*) AS payments, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
   FROM (SELECT created_at, status FROM payments
         WHERE status IN ('pending', 'unknown') ORDER BY next_check_at LIMIT ${COUNTED_MAX}) unsettled
   WHERE status = 'unknown'`,
);

/** What is asked of the table `payments` for a monitor. */
@Injectable()
export class PaymentMetricsRepository {
  constructor(private readonly database: DatabaseService) {}

  /** Attempts of which nobody knows whether they were charged, and the age of the oldest, among 10,000 that are not settled. */
  async measureUnknown(): Promise<{ payments: number; oldest_seconds: number }> {
    const measured = await this.database.readFirst(measureUnknown, []);
    return measured ?? { payments: 0, oldest_seconds: 0 };
  }
}
