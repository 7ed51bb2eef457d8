import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Tx } from '../platform/database/tx.js';
import { whenCommitted } from '../platform/database/when-committed.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import type { ReservationEnd } from './inventory.types.js';
import { ReservationRepository } from './reservation.repository.js';
import { RESERVATION_ENDS } from './reservation-states.js';

/** The holds that stand, and how they end. */
@Injectable()
export class ReservationMetrics {
  private readonly ended: Counter<'end'>;

  constructor(metrics: Metrics, reservations: ReservationRepository) {
    this.ended = metrics.counter('reservations_ended_total', 'Holds that have ended, and how.', ['end']);
    for (const end of Object.keys(RESERVATION_ENDS) as ReservationEnd[]) this.ended.inc({ end }, 0);
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

  /** A hold ends in `tx`. */
  noteEnded(end: ReservationEnd, tx: Tx): void {
    whenCommitted(() => this.ended.inc({ end }), tx);
  }
}
