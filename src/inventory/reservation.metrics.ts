import { Injectable } from '@nestjs/common';
import { Metrics } from '../platform/observability/metrics.service.js';
import { ReservationRepository } from './reservation.repository.js';

/** The holds that stand. */
@Injectable()
export class ReservationMetrics {
  constructor(metrics: Metrics, reservations: ReservationRepository) {
    metrics.gaugesFromTables(
      {
        reservations_active: 'Holds that have not ended, counted up to 100,000.',
        reservations_overdue: 'Those of them that are past their time.',
      },
      async () => {
        const { active, overdue } = await reservations.countActive();
        return { reservations_active: active, reservations_overdue: overdue };
      },
    );
  }
}
