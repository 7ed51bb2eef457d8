import { Injectable } from '@nestjs/common';
import { type MoneyOfDay, PaymentFiguresRepository } from './payment-figures.repository.js';
import { PaymentMetricsRepository } from './payment-metrics.repository.js';

/** How much money has moved, and of how much nobody knows. */
@Injectable()
export class PaymentFigures {
  constructor(
    private readonly repository: PaymentFiguresRepository,
    private readonly unsettled: PaymentMetricsRepository,
  ) {}

  /**
   * What was captured and what was given back from `from` to before `to`, by the day (UTC) on which it was settled: a day that
   * is over does not change any more. In minor units; none for a day without any.
   */
  async sumByDay(from: Date, to: Date): Promise<MoneyOfDay[]> {
    return this.repository.sumByDay(from, to);
  }

  /** Attempts of which nobody knows whether they were charged, and the age of the oldest in seconds. */
  async measureUnknown(): Promise<{ payments: number; oldest_seconds: number }> {
    return this.unsettled.measureUnknown();
  }
}
