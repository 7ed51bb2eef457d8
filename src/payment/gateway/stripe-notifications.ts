import type { Notification } from './payment-gateway.js';
import type { StripeEvent } from './stripe-answers.js';

/**
 * What an event is about. A PaymentIntent is a payment and a Refund is a refund, whatever has happened to them;
 * `charge.refunded` carries a charge, whose latest refund is named only under old API versions.
 */
export function notificationOf({ id: event_id, type, data: { object } }: StripeEvent): Notification {
  const refund_id = object.object === 'refund' ? object.id : object.refunds?.data[0]?.id;
  if (object.object === 'payment_intent' && type.startsWith('payment_intent.'))
    return { about: 'payment', type, provider_payment_id: object.id, event_id };
  if (/^(refund\.|charge\.refund)/.test(type) && refund_id !== undefined)
    return { about: 'refund', type, provider_refund_id: refund_id, event_id };
  return { about: 'something else', type };
}
