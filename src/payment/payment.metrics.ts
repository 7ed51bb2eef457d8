import { Injectable } from '@nestjs/common';
import type { Counter } from 'prom-client';
import type { Tx } from '../platform/database/tx.js';
import { whenCommitted } from '../platform/database/when-committed.js';
import { Metrics } from '../platform/observability/metrics.service.js';
import { type PaymentGateway } from './gateway/payment-gateway.js';
import type { AttemptStatus } from './payment.types.js';
import { PaymentMetricsRepository } from './payment-metrics.repository.js';

const SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Payments whose outcome nobody knows yet. */
@Injectable()
export class PaymentMetrics {
  constructor(metrics: Metrics, payments: PaymentMetricsRepository) {
    metrics.gaugesFromTables(
      {
        payments_unknown: 'Attempts of which it is not known whether they were charged.',
        payments_unknown_oldest_seconds: 'The age of the oldest of them.',
      },
      async () => {
        const { payments: payments_unknown, oldest_seconds } = await payments.measureUnknown();
        return { payments_unknown, payments_unknown_oldest_seconds: oldest_seconds };
      },
    );
  }
}

/** An attempt to pay, or a refund, as far as its outcome goes. */
interface Outcome {
  status: AttemptStatus;
  provider: string;
}

/** What comes of attempts to pay and of refunds. */
@Injectable()
export class PaymentOutcomes {
  private readonly payments: Counter<'provider' | 'outcome'>;
  private readonly refunds: Counter<'provider' | 'outcome'>;

  constructor(metrics: Metrics) {
    const labels: ('provider' | 'outcome')[] = ['provider', 'outcome'];
    this.payments = metrics.counter('payments_total', 'Attempts to pay, by what they have become.', labels);
    this.refunds = metrics.counter('refunds_total', 'Refunds, by what they have become.', labels);
  }

  /** An attempt to pay becomes, in `tx`, what it was not `before`. */
  notePayment(before: AttemptStatus | null, payment: Outcome, tx: Tx): void {
    note(this.payments, before, payment, tx);
  }

  /** `notePayment`, for a refund. */
  noteRefund(before: AttemptStatus | null, refund: Outcome, tx: Tx): void {
    note(this.refunds, before, refund, tx);
  }
}

// Not `pending`: that is how all begin, and no outcome.
function note(
  counter: Counter<'provider' | 'outcome'>,
  before: AttemptStatus | null,
  { status: outcome, provider }: Outcome,
  tx: Tx,
): void {
  if (outcome !== before && outcome !== 'pending')
    whenCommitted(() => counter.inc({ provider, outcome }), tx);
}

/**
 * Stands in front of gateways, with every call to the provider timed and counted by what came of it: the status that the provider has told,
 * `nothing` when it knows none, or `unknown` when there was no usable answer.
 */
export function measuring(metrics: Metrics): (gateway: PaymentGateway) => PaymentGateway {
  const seconds = metrics.histogram(
    'payment_call_duration_seconds',
    'Calls to the payment provider.',
    SECONDS,
    ['provider', 'call', 'outcome'],
  );
  const watch = async (provider: string, call: string, answer: Promise<unknown>) => {
    const start = performance.now();
    const outcome = await answer.then(outcomeOf, () => 'unknown');
    seconds.observe({ provider, call, outcome }, (performance.now() - start) / 1_000);
  };
  // Whatever calls the port has: none can be forgotten.
  const get = (gateway: PaymentGateway, name: string | symbol) => {
    const member = Reflect.get(gateway, name);
    if (typeof member !== 'function') return member;
    return (...values: unknown[]) => {
      const answer = member.apply(gateway, values);
      if (answer instanceof Promise) void watch(gateway.name, String(name), answer);
      return answer;
    };
  };
  return (gateway) => new Proxy(gateway, { get });
}

function outcomeOf(answer: unknown): string {
  const { status, charge } = (answer ?? {}) as { status?: string; charge?: { status: string } };
  return status ?? charge?.status ?? 'nothing';
}
