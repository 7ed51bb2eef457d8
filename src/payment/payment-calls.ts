import type { Config } from '../platform/config/config.js';
import type { PaymentGateway } from './gateway/payment-gateway.js';

/** After a call has taken its full time, the settlement still needs some. */
const SETTLEMENT_MARGIN_MS = 5_000;
/** The provider's clock and ours differ, and a call takes its time. */
const KEY_LIFE_MARGIN_MS = 3_600_000;

/** How long one call to the provider and its settlement may take, in milliseconds. */
export function callMs({ env }: Config): number {
  return env.PAYMENT_TIMEOUT_MS + SETTLEMENT_MARGIN_MS;
}

/** Whether the provider may have forgotten the key of a request of this age: sent again, it might move the money again. */
export function mayBeForgotten({ age_ms }: { age_ms: number }, { keyLifeMs }: PaymentGateway): boolean {
  return age_ms > keyLifeMs - KEY_LIFE_MARGIN_MS;
}
