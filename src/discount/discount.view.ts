import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Money } from '../platform/money.js';
import { DISCOUNT_KINDS, type Discount, type DiscountKind } from './discount.types.js';

const TIME = { type: String, format: 'date-time', example: '2026-11-21T09:00:00.000Z' } as const;
const LIMIT = { type: 'integer', nullable: true } as const;
/** How many of the units of a stored percentage are one percent. */
export const BASIS_POINTS_PER_PERCENT = 100;

export class DiscountView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'AUTUMN15' }) code!: string;
  @ApiProperty({ enum: DISCOUNT_KINDS, example: 'percentage' }) kind!: DiscountKind;
  @ApiProperty({ type: 'number', example: 15, description: 'Percent, or an amount of money.' })
  value!: number;
  @ApiProperty({ type: 'number', example: 50 }) min_items_price!: number;
  @ApiProperty({ ...TIME, nullable: true }) starts_at!: string | null;
  @ApiProperty({ ...TIME, nullable: true }) ends_at!: string | null;
  @ApiProperty({ ...LIMIT, example: 100 }) usage_limit!: number | null;
  @ApiProperty({ ...LIMIT, example: 1 }) per_user_limit!: number | null;
  @ApiProperty({ type: 'integer', example: 12, description: 'Uses that came back do not count.' })
  times_used!: number;
  @ApiProperty({ example: true }) active!: boolean;
  @ApiProperty(TIME) created_at!: string;
  @ApiProperty(TIME) updated_at!: string;
}

export class DiscountPageView {
  @ApiProperty({ type: [DiscountView] }) discounts!: DiscountView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

export class ValidDiscountView {
  @ApiProperty({ enum: [true], example: true, description: 'An unusable code is 400.' }) valid!: true;
  @ApiProperty({ example: 'AUTUMN15' }) code!: string;
  @ApiProperty({ enum: DISCOUNT_KINDS, example: 'percentage' }) kind!: DiscountKind;
  @ApiProperty({ type: 'number', example: 15 }) value!: number;
  @ApiProperty({ type: 'number', example: 1299.99 }) items_price!: number;
  @ApiProperty({ type: 'number', example: 195, description: 'What the code takes off.' })
  discount_price!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
}

export function discountView(discount: Discount, money: Money): DiscountView {
  return {
    id: discount.id,
    code: discount.code,
    kind: discount.kind,
    value: shownValueOf(discount, money),
    min_items_price: money.majorOf(discount.min_items_price_minor),
    starts_at: discount.starts_at?.toISOString() ?? null,
    ends_at: discount.ends_at?.toISOString() ?? null,
    usage_limit: discount.usage_limit,
    per_user_limit: discount.per_user_limit,
    times_used: discount.times_used,
    active: discount.active,
    created_at: discount.created_at.toISOString(),
    updated_at: discount.updated_at.toISOString(),
  };
}

/** The discount's value as a client knows it: percent, or major units. */
export function shownValueOf({ basis_points, amount_minor }: Discount, money: Money): number {
  return amount_minor === null ? (basis_points ?? 0) / BASIS_POINTS_PER_PERCENT : money.majorOf(amount_minor);
}
