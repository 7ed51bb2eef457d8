import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn, IsOptional, Matches, ValidateBy } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { TakesSort } from '../platform/http/list-order.js';
import { PageQuery } from '../platform/http/page.js';
import { IfGiven, IsTime } from '../platform/http/validation.js';
import { PRICE_MAX } from '../platform/money.js';
import { DISCOUNT_KINDS, DISCOUNT_SORTS, type DiscountKind, type DiscountSort } from './discount.types.js';

const INTEGER_MAX = 2_147_483_647;
const SUM_MAX = 1e13;
const CODE = /^[A-Z0-9]{3,20}$/;
const KIND = { message: `kind must be one of ${DISCOUNT_KINDS.join(', ')}` };
const FIRST_TIME_MS = Date.UTC(1970, 0);

/**
 * A discount code as a customer has typed it: white space around it goes, small letters become large. Any short text is
 * let through: one that is no code at all is unknown, like one that nobody has made.
 */
export const TypedDiscountCode = (): PropertyDecorator =>
  applyDecorators(
    Transform(({ value }) => (typeof value === 'string' ? value.trim().toUpperCase() : value)),
    CleanText({ min: 1, max: 100 }),
  ) as PropertyDecorator;

/** A number within bounds, with a sentence that says them. */
const IsBetween = (name: string, min: number, max: number, sentence: string) =>
  ValidateBy({
    name,
    validator: {
      validate: (value) => typeof value === 'number' && value >= min && value <= max,
      defaultMessage: () => `$property must be ${sentence}`,
    },
  });
const IsDiscountValue = () =>
  IsBetween(
    'isDiscountValue',
    Number.MIN_VALUE,
    PRICE_MAX,
    `a number greater than 0 and at most ${PRICE_MAX}`,
  );
const IsSum = () => IsBetween('isSum', 0, SUM_MAX, `a number between 0 and ${SUM_MAX}`);

const IsLimit = () =>
  ValidateBy({
    name: 'isLimit',
    validator: {
      validate: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= INTEGER_MAX,
      defaultMessage: () => `$property must be a whole number between 1 and ${INTEGER_MAX}`,
    },
  });

const CodeProperty = {
  example: 'AUTUMN15',
  pattern: CODE.source,
  description: 'Customers may type it in small letters.',
};
const ValueProperty = {
  type: 'number',
  example: 15,
  description:
    'Greater than 0. Of a percentage at most 100, with up to two decimals; else an amount of money.',
} as const;
const MinItemsPriceProperty = {
  type: 'number',
  minimum: 0,
  example: 50,
  description: 'Items that cost less than this get nothing off.',
} as const;
const time = (description: string) =>
  ({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-21T09:00:00.000Z',
    description,
  }) as const;
const StartsAtProperty = time('Null: from now on.');
const EndsAtProperty = {
  ...time('From then on it has ended. Null: never.'),
  example: '2027-01-01T00:00:00.000Z',
};
const limit = (description: string) =>
  ({ type: 'integer', minimum: 1, maximum: INTEGER_MAX, nullable: true, example: 100, description }) as const;
const UsageLimitProperty = limit('How often it may be used in all. Null: any number of times.');
const PerUserLimitProperty = limit('How often each user may use it. Null: any number of times.');

/** As it is made and shown: nothing else is silently made of what an admin has said. */
const IsCode = () => Matches(CODE, { message: 'code must be 3 to 20 of the letters A to Z and the digits' });

export class CreateDiscountDto {
  @ApiProperty(CodeProperty)
  @IsCode()
  code!: string;

  @ApiProperty({ enum: DISCOUNT_KINDS, example: 'percentage' })
  @IsIn(DISCOUNT_KINDS, KIND)
  kind!: DiscountKind;

  @ApiProperty(ValueProperty)
  @IsDiscountValue()
  value!: number;

  @ApiPropertyOptional({ ...MinItemsPriceProperty, default: 0 })
  @IsOptional()
  @IsSum()
  min_items_price?: number | null;

  @ApiPropertyOptional(StartsAtProperty)
  @IsOptional()
  @IsTime(FIRST_TIME_MS)
  starts_at?: string | null;

  @ApiPropertyOptional(EndsAtProperty)
  @IsOptional()
  @IsTime(FIRST_TIME_MS)
  ends_at?: string | null;

  @ApiPropertyOptional(UsageLimitProperty)
  @IsOptional()
  @IsLimit()
  usage_limit?: number | null;

  @ApiPropertyOptional(PerUserLimitProperty)
  @IsOptional()
  @IsLimit()
  per_user_limit?: number | null;

  @ApiPropertyOptional({ default: true })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active: boolean = true;
}

/** What is not named stays; null takes a bound away. */
export class ChangeDiscountDto {
  @ApiPropertyOptional(CodeProperty)
  @IfGiven()
  @IsCode()
  code?: string;

  @ApiPropertyOptional({
    enum: DISCOUNT_KINDS,
    example: 'percentage',
    description: 'Only together with `value`.',
  })
  @IfGiven()
  @IsIn(DISCOUNT_KINDS, KIND)
  kind?: DiscountKind;

  @ApiPropertyOptional(ValueProperty)
  @IfGiven()
  @IsDiscountValue()
  value?: number;

  @ApiPropertyOptional(MinItemsPriceProperty)
  @IsOptional()
  @IsSum()
  min_items_price?: number | null;

  @ApiPropertyOptional(StartsAtProperty)
  @IsOptional()
  @IsTime(FIRST_TIME_MS)
  starts_at?: string | null;

  @ApiPropertyOptional(EndsAtProperty)
  @IsOptional()
  @IsTime(FIRST_TIME_MS)
  ends_at?: string | null;

  @ApiPropertyOptional(UsageLimitProperty)
  @IsOptional()
  @IsLimit()
  usage_limit?: number | null;

  @ApiPropertyOptional(PerUserLimitProperty)
  @IsOptional()
  @IsLimit()
  per_user_limit?: number | null;

  @ApiPropertyOptional({ example: false })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active?: boolean;
}

export class DiscountsQuery extends PageQuery {
  @TakesSort(DISCOUNT_SORTS)
  sort: DiscountSort = 'newest';
}

export class ValidateDiscountDto {
  @ApiProperty({ example: 'AUTUMN15', description: 'As it was typed: small letters become large.' })
  @TypedDiscountCode()
  code!: string;

  @ApiProperty({ type: 'number', minimum: 0, example: 1299.99, description: 'What all items cost together.' })
  @IsSum()
  items_price!: number;
}
