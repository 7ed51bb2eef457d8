import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Tx } from '../platform/database/tx.js';
import { whenCommitted } from '../platform/database/when-committed.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { MOVEMENT_KINDS, type MovementKind } from './inventory.types.js';

/** What is written into the ledger, once it is there for good. */
@Injectable()
export class LedgerMetrics {
  private readonly movements: Counter<'kind'>;

  constructor(metrics: Metrics) {
    this.movements = metrics.counter('stock_movements_total', 'Rows of the ledger.', ['kind']);
    for (const kind of MOVEMENT_KINDS) this.movements.inc({ kind }, 0);
  }

  /** So many rows of one kind are written in `tx`. */
  noteRows(kind: MovementKind, rows: number, tx: Tx): void {
    if (rows > 0) whenCommitted(() => this.movements.inc({ kind }, rows), tx);
  }
}
