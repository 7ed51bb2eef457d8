import { ApiProperty } from '@nestjs/swagger';
import type { Money } from '../platform/money.js';
import type { Refund } from './payment.types.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';

/** Money that goes back. The amount in major units. */
export class RefundView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) order_id!: string;
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) payment_id!: string;
  @ApiProperty({ enum: ['pending', 'succeeded', 'failed', 'unknown'], example: 'succeeded' }) status!: string;
  @ApiProperty({ example: 29.99 }) amount!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ type: String, nullable: true, example: 'arrived broken' }) reason!: string | null;
  @ApiProperty({
    enum: ['admin', 'cancelled', 'late'],
    example: 'admin',
    description: '`cancelled`: with its order. `late`: the money came after the order had ended.',
  })
  cause!: string;
  @ApiProperty({ example: 'sandbox' }) provider!: string;
  @ApiProperty({ type: String, nullable: true, example: '2f8a9c1e-0015-5000-8000-1d5b7a3c9e10' })
  provider_refund_id!: string | null;
  @ApiProperty({ example: `order-${EXAMPLE_ID}-refund-1` }) idempotency_key!: string;
  @ApiProperty({ type: String, nullable: true, example: null }) failure_code!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null }) failure_reason!: string | null;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) created_at!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: EXAMPLE_TIME }) settled_at!:
    | string
    | null;
}

export class RefundsView {
  @ApiProperty({ type: [RefundView] }) refunds!: RefundView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ required: false, type: 'integer', description: 'Only with `count=true`.', example: 1 })
  total?: number;
}

/** The one place where a refund becomes its answer. */
export function refundView(refund: Refund, money: Money): RefundView {
  return {
    id: refund.id,
    order_id: refund.order_id,
    payment_id: refund.payment_id,
    status: refund.status,
    amount: money.majorOf(refund.amount_minor),
    currency: refund.currency,
    reason: refund.reason,
    cause: refund.cause,
    provider: refund.provider,
    provider_refund_id: refund.provider_refund_id,
    idempotency_key: refund.idempotency_key,
    failure_code: refund.failure_code,
    failure_reason: refund.failure_reason,
    created_at: refund.created_at.toISOString(),
    settled_at: refund.settled_at?.toISOString() ?? null,
  };
}
