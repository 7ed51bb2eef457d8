import type { Logger } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { note } from '../platform/observability/subject.js';
import { inSpan } from '../platform/observability/tracing.js';
import {
  type Charge,
  OutcomeUnknown,
  type PaymentGateway,
  type ProviderRefund,
} from './gateway/payment-gateway.js';

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

/**
 * Sends a request that moves money. A refusal of its first sending is definite. One of a repeat says nothing of what came of
 * the first, whose answer nobody has heard (a token is used up by the very charge that it was for): the provider is asked
 * whether it knows of anything, and only when it says that there is nothing is the refusal believed.
 * @throws OutcomeUnknown, also when the provider cannot tell what it knows.
 */
export async function send<Answer extends Charge | ProviderRefund>(
  { sent_before }: { sent_before: boolean },
  request: () => Promise<Answer>,
  look: () => Promise<Answer | null>,
): Promise<Answer> {
  const answer = await request();
  return sent_before && isRefusal(answer) ? ((await look()) ?? answer) : answer;
}

// What has failed and has a name is the outcome itself: a canceled payment, not a refused request.
function isRefusal(answer: Charge | ProviderRefund): boolean {
  if (answer.status !== 'failed') return false;
  return ('provider_payment_id' in answer ? answer.provider_payment_id : answer.provider_refund_id) === null;
}

/** What is asked about, for the log and the trace. */
interface Matter {
  kind: 'payment' | 'refund';
  id: string;
  order_id: string;
  provider: string;
}

/**
 * Asks the provider of a payment or a refund what is to be known of it, where there is one configured.
 * @returns null when the outcome is unknown.
 */
export async function askProvider<Answer>(
  { kind, id, order_id, provider }: Matter,
  gateway: PaymentGateway | null,
  ask: (gateway: PaymentGateway) => Promise<Answer | null>,
  logger: Logger,
): Promise<Answer | null> {
  const log = { order_id, [`${kind}_id`]: id };
  note(log);
  if (!gateway) {
    logger.error(log, `${provider} is not configured any more: its ${kind} cannot be asked about`);
    return null;
  }
  const attributes = { 'holdfast.order_id': order_id, [`holdfast.${kind}_id`]: id };
  try {
    return await inSpan({ name: `ask about ${kind}`, attributes }, () => ask(gateway));
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    logger.warn(log, `outcome unknown: ${error.message}`);
    return null;
  }
}
