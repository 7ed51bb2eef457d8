import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { PaymentService } from '../payment/payment.service.js';
import type { Payment } from '../payment/payment.types.js';
import { Config } from '../platform/config/config.js';
import { Recurring } from '../platform/recurring.js';
import { SettlementService } from './settlement.service.js';

/** Taken together and asked about at once: whoever takes more than it can ask about keeps others from them. */
const CALLS_AT_ONCE = 8;

/**
 * Finishes what was left half done: an attempt whose caller died, a call without an answer, an answer without a settlement.
 * It asks with the same key and the same parameters until it knows. Two recoverers at once do no harm: each takes
 * attempts that nobody is at, and the settlement is one transition.
 */
@Injectable()
export class RecoveryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(RecoveryService.name);
  private readonly recovery: Recurring;

  constructor(
    private readonly payments: PaymentService,
    private readonly settlement: SettlementService,
    config: Config,
  ) {
    const intervalMs = config.env.PAYMENT_RECOVERY_SECONDS * 1_000;
    this.recovery = new Recurring('payment recovery', intervalMs, () => this.recover());
  }

  onApplicationBootstrap(): void {
    this.recovery.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.recovery.stop();
  }

  /** Asks about everything that is due, once. Idempotent. @returns how many attempts were asked about. */
  async recover(): Promise<number> {
    let total = 0;
    for (;;) {
      const due = await this.payments.claimDue(CALLS_AT_ONCE);
      await Promise.all(due.map((payment) => this.recoverOne(payment)));
      total += due.length;
      if (due.length < CALLS_AT_ONCE) return total;
    }
  }

  private async recoverOne(payment: Payment): Promise<void> {
    try {
      const { payment: now } = await this.settlement.charge(payment);
      this.logger.log({ order_id: payment.order_id, payment_id: payment.id }, `recovered: ${now?.status}`);
    } catch (error) {
      // One that cannot be settled must not stop the others; its time runs out and it is due again.
      this.logger.error(
        { order_id: payment.order_id, payment_id: payment.id },
        `not recovered: ${(error as Error).message}`,
      );
    }
  }
}
