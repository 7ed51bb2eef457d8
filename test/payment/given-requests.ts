import type { ChargeRequest, RefundRequest } from '../../src/payment/gateway/payment-gateway.js';

/** The first attempt to pay 12.34 USD for the order 1. */
export function givenCharge(overrides: Partial<ChargeRequest> = {}): ChargeRequest {
  return {
    idempotency_key: 'order-1-payment',
    order_id: '1',
    amount_minor: 1234,
    currency: 'USD',
    payment_method: 'credit_card',
    payment_token: null,
    return_url: 'https://shop.example/thanks',
    description: 'Order 1',
    ...overrides,
  };
}

/** The first refund of the order 1: 5.00 USD of what `provider_payment_id` has captured. */
export function givenRefund(
  provider_payment_id: string,
  overrides: Partial<RefundRequest> = {},
): RefundRequest {
  return {
    idempotency_key: 'order-1-refund-1',
    order_id: '1',
    provider_payment_id,
    amount_minor: 500,
    currency: 'USD',
    reason: 'The order was cancelled',
    ...overrides,
  };
}
