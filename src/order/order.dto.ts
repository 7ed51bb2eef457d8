import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO31661Alpha2,
  IsNumber,
  IsObject,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { TypedDiscountCode } from '../discount/discount.dto.js';
import { CleanText } from '../platform/http/clean-text.js';
import { TakesSort } from '../platform/http/list-order.js';
import { IsListOf } from '../platform/http/lists.js';
import { PageQuery } from '../platform/http/page.js';
import { AsNumber, IsTime, Trimmed } from '../platform/http/validation.js';
import {
  ORDER_SORTS,
  type OrderSort,
  type OrderStatus,
  PAYMENT_METHODS,
  type PaymentMethod,
} from './order.types.js';

export const ORDER_STATUSES = [
  'pending',
  'paid',
  'shipped',
  'delivered',
  'failed',
  'expired',
  'cancelled',
] as const;
export const PAYMENT_STATUSES = [
  'unpaid',
  'processing',
  'paid',
  'partially_refunded',
  'refunded',
  'failed',
] as const;
export const RESERVATION_STATUSES = ['active', 'fulfilled', 'cancelled', 'expired'] as const;

// Of several decorators the last is asked first, and only the first fault of a member is told.
const ID_MAX = 2_147_483_647;
const LINES_MAX = 100;
const QUANTITY_MAX = 100_000;
const QUANTITY_BOUNDS = { message: `quantity must be between 1 and ${QUANTITY_MAX}` };
const PRODUCT_ID = { message: 'product_id must be a positive integer' };
const METHOD = { message: `payment_method must be one of ${PAYMENT_METHODS.join(', ')}` };
const POINTS = { message: 'redeem_points must be a whole number of points, 0 or more' };
const LINES = { message: 'lines must have between 1 and 3 entries' };
// Four to fifteen digits, as E.164 has them, and what people write between them.
const TELEPHONE = /^\+?(?:[ ().-]{0,3}[0-9]){4,15}$/;
const ADDRESS = 'shipping_address must be an object';
const TOTAL = { message: 'expected_total must be an amount of money' };

export class OrderItemDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsInt(PRODUCT_ID)
  @Min(1, PRODUCT_ID)
  @Max(ID_MAX, PRODUCT_ID)
  product_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: QUANTITY_MAX, example: 1 })
  @IsInt(QUANTITY_BOUNDS)
  @Min(1, QUANTITY_BOUNDS)
  @Max(QUANTITY_MAX, QUANTITY_BOUNDS)
  quantity!: number;
}

/** `Trimmed`, for a list of texts. */
const EachTrimmed = () =>
  Transform(({ value }) =>
    Array.isArray(value) ? value.map((text) => (typeof text === 'string' ? text.trim() : text)) : value,
  );

export class ShippingAddressDto {
  @ApiProperty({ example: 'Ada Lovelace' })
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  name!: string;

  @ApiProperty({ type: [String], minItems: 1, maxItems: 3, example: ['12 St James Square'] })
  @EachTrimmed()
  @CleanText({ min: 1, max: 200, each: true })
  @ArrayMaxSize(3, LINES)
  @ArrayMinSize(1, LINES)
  @IsArray({ message: 'lines must be a list of texts' })
  lines!: string[];

  @ApiProperty({ example: 'London' })
  @Trimmed()
  @CleanText({ min: 1, max: 100 })
  city!: string;

  @ApiProperty({ example: 'SW1Y 4JH' })
  @Trimmed()
  @CleanText({ min: 1, max: 20 })
  postal_code!: string;

  @ApiProperty({ example: 'GB', description: 'ISO 3166-1 alpha-2.' })
  @Transform(({ value }) => (typeof value === 'string' ? value.trim().toUpperCase() : value))
  @IsISO31661Alpha2({ message: 'country must be an ISO 3166-1 code of two letters' })
  country!: string;

  @ApiPropertyOptional({ example: '+44 20 7946 0000' })
  @IsOptional()
  @Trimmed()
  @Matches(TELEPHONE, { message: 'phone must be a telephone number' })
  phone?: string;
}

/** What an order and a checkout have in common. */
export class PurchaseDto {
  @ApiPropertyOptional({ enum: PAYMENT_METHODS, default: 'credit_card' })
  @IsOptional()
  @Transform(({ value }) => value ?? 'credit_card')
  @IsIn(PAYMENT_METHODS, METHOD)
  payment_method: PaymentMethod = 'credit_card';

  @ApiPropertyOptional({
    type: String,
    nullable: true,
    maxLength: 100,
    example: 'AUTUMN15',
    description: 'Small letters become large. A code that cannot be used is 400 `discount_invalid`.',
  })
  @IsOptional()
  @TypedDiscountCode()
  discount_code?: string | null;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    minimum: 0,
    example: 0,
    description:
      'Of those that the price has no room for, none are taken. More than the balance is 400 `points_insufficient`.',
  })
  @IsOptional()
  @IsInt(POINTS)
  @Min(0, POINTS)
  @Max(Number.MAX_SAFE_INTEGER, POINTS)
  redeem_points?: number | null;

  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    example: 1299.99,
    description: 'When the total differs, the answer is 409 `price_changed`.',
  })
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false }, TOTAL)
  @Min(0, TOTAL)
  @Max(1e13, TOTAL)
  expected_total?: number | null;

  @ApiPropertyOptional({ type: ShippingAddressDto })
  @IsOptional()
  @ValidateNested({ message: ADDRESS })
  @IsObject({ message: ADDRESS })
  @Type(() => ShippingAddressDto)
  shipping_address?: ShippingAddressDto;
}

export class PlaceOrderDto extends PurchaseDto {
  @ApiProperty({ type: [OrderItemDto], minItems: 1, maxItems: LINES_MAX })
  @IsListOf(() => OrderItemDto, { max: LINES_MAX })
  items!: OrderItemDto[];

  @ApiPropertyOptional({ maxLength: 1000 })
  @IsOptional()
  @CleanText({ min: 0, max: 1000, multiline: true })
  note?: string;
}

export class CancelOrderDto {
  @ApiPropertyOptional({ maxLength: 500, example: 'ordered by mistake' })
  @IsOptional()
  @CleanText({ min: 1, max: 500 })
  reason?: string;
}

export class ShipOrderDto {
  @ApiPropertyOptional({ maxLength: 100, example: '1Z999AA10123456784' })
  @IsOptional()
  @CleanText({ min: 1, max: 100 })
  tracking_number?: string;
}

export class ReturnItemDto extends OrderItemDto {
  @ApiProperty({ example: true, description: 'Whether it can be sold again: then it goes back to stock.' })
  @IsBoolean({ message: 'sellable must be true or false' })
  sellable!: boolean;
}

export class ReturnGoodsDto {
  @ApiProperty({ type: [ReturnItemDto], minItems: 1, maxItems: LINES_MAX })
  @IsListOf(() => ReturnItemDto, { max: LINES_MAX })
  items!: ReturnItemDto[];

  @ApiPropertyOptional({ maxLength: 500, example: 'did not fit' })
  @IsOptional()
  @CleanText({ min: 1, max: 500 })
  reason?: string;
}

export class AdminOrdersQuery extends PageQuery {
  @ApiPropertyOptional({
    example: 'ada@',
    minLength: 1,
    maxLength: 254,
    description: "The beginning of the order's id, or of its buyer's e-mail.",
  })
  @IsOptional()
  @Trimmed()
  @CleanText({ min: 1, max: 254 })
  q?: string;

  @ApiPropertyOptional({ enum: ORDER_STATUSES })
  @IsOptional()
  @IsIn(ORDER_STATUSES, { message: `status must be one of ${ORDER_STATUSES.join(', ')}` })
  status?: OrderStatus;

  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'user must be an id' })
  @Min(1, { message: 'user must be an id' })
  @Max(ID_MAX, { message: 'user must be an id' })
  user?: number;

  @ApiPropertyOptional({ type: 'integer' })
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'product must be an id' })
  @Min(1, { message: 'product must be an id' })
  @Max(ID_MAX, { message: 'product must be an id' })
  product?: number;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsTime()
  to?: string;

  @TakesSort(ORDER_SORTS, '`total` begins with the smallest, `-total` with the greatest.')
  sort: OrderSort = 'newest';
}
