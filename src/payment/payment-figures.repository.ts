import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement } from '../platform/database/statement.js';

/** Money that has moved on one day. In minor units. */
export interface MoneyOfDay {
  /** In UTC, `2026-11-21`. */
  day: string;
  captured_minor: number;
  refunded_minor: number;
}

const sumByDay = new Statement<MoneyOfDay>(
  'payment-figures-sum-by-day',
  `WITH moved AS (
     SELECT settled_at, amount_minor AS captured, 0 AS refunded FROM payments
     WHERE status = 'succeeded' AND settled_at >= $1 AND settled_at < $2
     UNION ALL
     SELECT settled_at, 0, amount_minor FROM refunds
     WHERE status = 'succeeded' AND settled_at >= $1 AND settled_at < $2)
   SELECT (settled_at AT TIME ZONE 'UTC')::date::text AS day, sum(captured)::bigint AS captured_minor,
          sum(refunded)::bigint AS refunded_minor
   FROM moved GROUP BY 1`,
);

/** Sums over the tables `payments` and `refunds`. */
@Injectable()
export class PaymentFiguresRepository {
  constructor(private readonly database: DatabaseService) {}

  /** What was captured and what was given back from `from` to before `to`, each on the day on which it was settled. */
  async sumByDay(from: Date, to: Date): Promise<MoneyOfDay[]> {
    return this.database.read(sumByDay, [from, to]);
  }
}
