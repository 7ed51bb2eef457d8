import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNumber, IsOptional, IsPositive, IsString, IsUrl, Max, MaxLength } from 'class-validator';
import { PurchaseDto } from '../order/order.dto.js';
import { OrderView } from '../order/order.view.js';
import { PaymentView } from '../payment/payment.view.js';
import { RefundView } from '../payment/refund.view.js';
import { CleanText } from '../platform/http/clean-text.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const AMOUNT = { message: 'amount must be a positive amount of money' };
const HTTP_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };

export class CheckoutDto extends PurchaseDto {
  @ApiPropertyOptional({
    maxLength: 255,
    example: 'a-key-of-yours',
    description: 'Required, here or as the header.',
  })
  @IsOptional()
  @IsString({ message: 'idempotency_key must be a text' })
  @MaxLength(255, { message: 'idempotency_key must be 1 to 255 visible ASCII characters' })
  idempotency_key?: string;

  @ApiPropertyOptional({
    example: 'tok_success',
    description: "The provider's token for the customer's card.",
  })
  @IsOptional()
  @CleanText({ min: 1, max: 10_240 })
  payment_token?: string;
}

export class PayOrderDto {
  @ApiPropertyOptional({
    example: 'tok_success',
    description: "The provider's token for the customer's card.",
  })
  @IsOptional()
  @CleanText({ min: 1, max: 10_240 })
  payment_token?: string;

  @ApiPropertyOptional({
    example: 'https://shop.example/thanks',
    description: 'Where a redirect comes back to.',
  })
  @IsOptional()
  @IsUrl(HTTP_URL, { message: 'return_url must be an http(s) address' })
  @MaxLength(2_000, { message: 'return_url must be an http(s) address' })
  return_url?: string;
}

export class RefundOrderDto {
  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    example: 29.99,
    description: 'In major units. Without it, all that is left goes back.',
  })
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false }, AMOUNT)
  @IsPositive(AMOUNT)
  @Max(1e13, AMOUNT)
  amount?: number | null;

  @ApiProperty({ maxLength: 500, example: 'arrived broken' })
  @CleanText({ min: 1, max: 500 })
  reason!: string;
}

/** The order as it is now, with the refund that was asked for. */
export class RefundedOrderView extends OrderView {
  @ApiProperty({ type: RefundView }) refund!: RefundView;
}

export class ConfirmPaymentDto {
  @ApiPropertyOptional({ example: 'bank statement 2026-11-21, line 4' })
  @IsOptional()
  @CleanText({ min: 1, max: 200 })
  reference?: string;
}

export const CHECKOUT_STATUSES = ['COMPLETED', 'FAILED', 'PENDING'] as const;
export type CheckoutStatus = (typeof CHECKOUT_STATUSES)[number];

export class CheckoutView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID, description: "The order's id." }) checkout_id!: string;
  @ApiProperty({ enum: CHECKOUT_STATUSES, example: 'COMPLETED' }) status!: CheckoutStatus;
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) order_id!: string;
  @ApiProperty({ example: 1299.99 }) total_price!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({
    type: PaymentView,
    nullable: true,
    description: 'Null when nothing is charged, e.g. cash on delivery.',
  })
  payment!: PaymentView | null;
}

/** A provider's notification has been taken. */
export class ReceivedView {
  @ApiProperty({ example: true }) received!: boolean;
}
