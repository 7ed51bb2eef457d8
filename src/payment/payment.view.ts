import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Money } from '../platform/money.js';
import type { Payment } from './payment.types.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';

/** One attempt to pay an order, as its owner sees it. Amounts in major units. */
export class PaymentView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) order_id!: string;
  @ApiProperty({ type: 'integer', example: 1 }) attempt!: number;
  @ApiProperty({ enum: ['pending', 'succeeded', 'failed', 'unknown'], example: 'succeeded' }) status!: string;
  @ApiProperty({ example: 1299.99 }) amount!: number;
  @ApiProperty({ example: 0 }) refunded_amount!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ example: 'sandbox' }) provider!: string;
  @ApiProperty({ type: String, nullable: true, example: '2f8a9c1e-000f-5000-8000-1d5b7a3c9e10' })
  provider_payment_id!: string | null;
  @ApiProperty({ example: `order-${EXAMPLE_ID}-payment` }) idempotency_key!: string;
  @ApiProperty({ type: String, nullable: true, example: null, description: 'Send the customer here.' })
  confirmation_url!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null }) failure_code!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null }) failure_reason!: string | null;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) created_at!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: EXAMPLE_TIME }) settled_at!:
    | string
    | null;
}

export class PaymentsView {
  @ApiProperty({ type: [PaymentView] }) payments!: PaymentView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.', example: 1 })
  total?: number;
}

/** The one place where a payment becomes its answer. */
export function paymentView(payment: Payment, money: Money): PaymentView {
  return {
    id: payment.id,
    order_id: payment.order_id,
    attempt: payment.attempt,
    status: payment.status,
    amount: money.majorOf(payment.amount_minor),
    refunded_amount: money.majorOf(payment.refunded_minor),
    currency: payment.currency,
    provider: payment.provider,
    provider_payment_id: payment.provider_payment_id,
    idempotency_key: payment.idempotency_key,
    confirmation_url: payment.confirmation_url,
    failure_code: payment.failure_code,
    failure_reason: payment.failure_reason,
    created_at: payment.created_at.toISOString(),
    settled_at: payment.settled_at?.toISOString() ?? null,
  };
}
