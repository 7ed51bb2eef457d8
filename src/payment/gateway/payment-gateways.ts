import type { PaymentGateway } from './payment-gateway.js';

/** The providers that are configured. Attempts made through an earlier one can still be asked about. */
export class PaymentGateways {
  constructor(
    /** What new attempts are made through. */
    readonly current: PaymentGateway,
    private readonly others: readonly PaymentGateway[] = [],
  ) {}

  /** The gateway that payments name in `provider`, or null when it is not configured. */
  find(name: string): PaymentGateway | null {
    return [this.current, ...this.others].find((gateway) => gateway.name === name) ?? null;
  }
}
