import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Tx } from '../platform/database/tx.js';
import { whenCommitted } from '../platform/database/when-committed.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { OrderRepository } from './order.repository.js';
import type { OrderStatus } from './order.types.js';
import { ORDER_TRANSITIONS } from './order-states.js';

/** A step of the way is not news from one second to the next, and there may be many to count. */
const OPEN_KEPT_MS = 30_000;
const PLACED = { from: 'new', to: 'pending' };

/** How many orders wait for the next step of their way, and the steps that orders take. */
@Injectable()
export class OrderMetrics {
  private readonly transitions: Counter<'from' | 'to'>;

  constructor(metrics: Metrics, orders: OrderRepository) {
    this.transitions = metrics.counter('order_transitions_total', 'Steps that orders have taken.', [
      'from',
      'to',
    ]);
    this.transitions.inc(PLACED, 0);
    for (const [from, steps] of Object.entries(ORDER_TRANSITIONS))
      for (const to of steps) this.transitions.inc({ from, to }, 0);
    metrics.gaugesFromTablesBy(
      'status',
      { orders_open: 'Orders that have not come to their end, each status counted up to 100,000.' },
      async () => {
        const counts = await orders.countOpen();
        return new Map(counts.map(({ status, orders }) => [status, { orders_open: orders }]));
      },
      OPEN_KEPT_MS,
    );
  }

  /** So many orders are there. */
  notePlaced(orders: number): void {
    this.transitions.inc(PLACED, orders);
  }

  /** An order takes a step in `tx`. */
  noteStep(from: OrderStatus, to: OrderStatus, tx: Tx): void {
    whenCommitted(() => this.transitions.inc({ from, to }), tx);
  }
}
