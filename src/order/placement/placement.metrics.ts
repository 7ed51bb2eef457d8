import { Injectable } from '@nestjs/common';
import { DomainError } from '../../platform/errors.js';
import { LoadShedding } from '../../platform/http/load-shedding.js';
import { Metrics } from '../../platform/observability/metrics.service.js';
import { OrderMetrics } from '../order.metrics.js';
import type { Outcome } from './placement.transaction.js';

const PLACED = 'placed';
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** How full the batches are, how long their requests have waited, and what came of them. */
@Injectable()
export class PlacementMetrics {
  private readonly sizes;
  private readonly waits;
  private readonly placements;

  constructor(
    metrics: Metrics,
    private readonly shedding: LoadShedding,
    private readonly orders: OrderMetrics,
  ) {
    this.sizes = metrics.histogram('placement_batch_size', 'Requests that are placed together.', SIZES);
    this.waits = metrics.histogram(
      'placement_wait_seconds',
      'How long requests wait for their batch.',
      SECONDS,
    );
    this.placements = metrics.counter(
      'placements_total',
      'Requests to place an order, and what came of them.',
      ['outcome'],
    );
  }

  /** A batch is formed, of requests that have waited so long. */
  noteBatch(waitedMs: number[]): void {
    this.sizes.observe(waitedMs.length);
    for (const ms of waitedMs) this.waits.observe(ms / 1_000);
  }

  /** A request found the line full. */
  noteFull(): void {
    this.shedding.note('placement_queue');
  }

  /** A repeat came while the first was being placed. @returns its outcome. */
  noteRepeat(outcome: Outcome): Outcome {
    this.placements.inc({ outcome: nameOf(outcome) });
    return outcome;
  }

  /** @returns what it was given. */
  noteSettled<Settled extends PromiseSettledResult<Outcome>>(settled: Settled[]): Settled[] {
    let placed = 0;
    for (const each of settled) {
      const outcome = outcomeOf(each);
      this.placements.inc({ outcome });
      if (outcome === PLACED) placed += 1;
    }
    this.orders.notePlaced(placed);
    return settled;
  }
}

/** `placed`, the code of a refusal, `repeated` for what a claim has done before, or `failed`. */
function outcomeOf(settled: PromiseSettledResult<Outcome>): string {
  if (settled.status === 'rejected')
    return settled.reason instanceof DomainError ? settled.reason.code : 'failed';
  return nameOf(settled.value);
}

function nameOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'placed':
      return PLACED;
    case 'refused':
      return outcome.error.code;
    case 'claimed':
      return 'repeated';
  }
}
