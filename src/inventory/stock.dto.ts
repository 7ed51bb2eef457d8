import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDefined, IsIn, IsOptional, ValidateBy, type ValidationArguments } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { AGE_SORTS, type AgeSort, TakesSort } from '../platform/http/list-order.js';
import { IsListOf } from '../platform/http/lists.js';
import { PageQuery } from '../platform/http/page.js';
import { AsNumber, IsTime } from '../platform/http/validation.js';
import {
  type EnteredKind,
  LOW_SORTS,
  type LowSort,
  MOVEMENT_KINDS,
  type MovementKind,
} from './inventory.types.js';

export const STOCK_MAX = 2_147_483_647;
const ITEMS_MAX = 1_000;
const ENTERED_KINDS = ['in', 'out', 'adjustment'] as const;

const isWhole = (value: unknown, min: number) =>
  Number.isInteger(value) && Number(value) >= min && Number(value) <= STOCK_MAX;

/** A bounded whole number, with a sentence that says the bounds. */
const IsWhole = (min: number) =>
  ValidateBy({
    name: 'isWhole',
    validator: {
      validate: (value) => isWhole(value, min),
      defaultMessage: () => `$property must be a whole number between ${min} and ${STOCK_MAX}`,
    },
  });

const IsProductId = () =>
  ValidateBy({
    name: 'isProductId',
    validator: {
      validate: (value) => isWhole(value, 1),
      defaultMessage: () => '$property must be a positive integer',
    },
  });

const isAdjustment = (args?: ValidationArguments) =>
  (args?.object as EnterMovementDto | undefined)?.type === 'adjustment';

/** What is counted may be none; what comes or goes is at least one. */
const IsMovedQuantity = () => {
  const least = (args?: ValidationArguments) => (isAdjustment(args) ? 0 : 1);
  return ValidateBy({
    name: 'isMovedQuantity',
    validator: {
      validate: (value, args) => isWhole(value, least(args)),
      defaultMessage: (args) => `$property must be a whole number between ${least(args)} and ${STOCK_MAX}`,
    },
  });
};

const OnlyForAdjustments = () =>
  ValidateBy({
    name: 'onlyForAdjustments',
    validator: {
      validate: (_, args) => isAdjustment(args),
      defaultMessage: () => '$property is only for adjustments',
    },
  });

const IsOrderId = () =>
  applyDecorators(IsDefined({ message: 'order_id is required' }), CleanText({ min: 1, max: 64 }));

const DescribesOrderId = () =>
  ApiProperty({ minLength: 1, maxLength: 64, example: 'WEB-1001', description: "Another system's order." });

export class GoodsDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsProductId()
  product_id!: number;

  @ApiProperty({ type: 'integer', minimum: 1, maximum: STOCK_MAX, example: 2 })
  @IsWhole(1)
  quantity!: number;
}

export class CheckDto {
  @ApiProperty({ type: [GoodsDto], minItems: 1, maxItems: ITEMS_MAX })
  @IsListOf(() => GoodsDto, { max: ITEMS_MAX })
  items!: GoodsDto[];
}

export class DecrementDto {
  @DescribesOrderId()
  @IsOrderId()
  order_id!: string;

  @ApiProperty({ type: [GoodsDto], minItems: 1, maxItems: ITEMS_MAX })
  @IsListOf(() => GoodsDto, { max: ITEMS_MAX })
  items!: GoodsDto[];
}

export class RollbackItemDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsProductId()
  product_id!: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: STOCK_MAX,
    example: 2,
    description: 'At most so many, and never more than were taken. All of them when left out.',
  })
  @IsOptional()
  @IsWhole(1)
  quantity?: number;
}

export class RollbackDto {
  @DescribesOrderId()
  @IsOrderId()
  order_id!: string;

  @ApiPropertyOptional({
    type: [RollbackItemDto],
    minItems: 1,
    maxItems: ITEMS_MAX,
    description: 'Left out: all that was taken.',
  })
  @IsOptional()
  @IsListOf(() => RollbackItemDto, { max: ITEMS_MAX })
  items?: RollbackItemDto[];
}

export class EnterMovementDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsProductId()
  product_id!: number;

  @ApiProperty({ enum: ENTERED_KINDS, example: 'in', description: 'An adjustment sets the count.' })
  @IsIn(ENTERED_KINDS, { message: `type must be one of ${ENTERED_KINDS.join(', ')}` })
  type!: EnteredKind;

  @ApiProperty({
    type: 'integer',
    minimum: 0,
    maximum: STOCK_MAX,
    example: 20,
    description: 'Positive; 0 only as the count of an adjustment.',
  })
  @IsMovedQuantity()
  quantity!: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: STOCK_MAX,
    description: 'Only for adjustments: when the stock is another, the answer is 409 `stock_changed`.',
  })
  @IsOptional()
  @OnlyForAdjustments()
  @IsWhole(0)
  expected_stock?: number;

  @ApiPropertyOptional({ maxLength: 200, example: 'delivery' })
  @IsOptional()
  @CleanText({ min: 1, max: 200 })
  reason?: string;

  @ApiPropertyOptional({ maxLength: 2000, example: 'Delivery note 4711.' })
  @IsOptional()
  @CleanText({ min: 1, max: 2000, multiline: true })
  notes?: string;
}

export class CountDto {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsProductId()
  product_id!: number;

  @ApiProperty({ type: 'integer', minimum: 0, maximum: STOCK_MAX, example: 120, description: 'The count.' })
  @IsWhole(0)
  quantity!: number;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 0,
    maximum: STOCK_MAX,
    description: 'When the stock is another, this row fails with `stock_changed`.',
  })
  @IsOptional()
  @IsWhole(0)
  expected_stock?: number;
}

export class BulkDto {
  @ApiProperty({ type: [CountDto], minItems: 1, maxItems: ITEMS_MAX })
  @IsListOf(() => CountDto, { max: ITEMS_MAX })
  items!: CountDto[];

  @ApiPropertyOptional({ maxLength: 200, example: 'stocktaking' })
  @IsOptional()
  @CleanText({ min: 1, max: 200 })
  reason?: string;
}

export class MovementsQuery extends PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1 })
  @IsOptional()
  @AsNumber()
  @IsProductId()
  product_id?: number;

  @ApiPropertyOptional({ minLength: 1, maxLength: 64 })
  @IsOptional()
  @CleanText({ min: 1, max: 64 })
  order_id?: string;

  @ApiPropertyOptional({ enum: MOVEMENT_KINDS })
  @IsOptional()
  @IsIn(MOVEMENT_KINDS, { message: `type must be one of ${MOVEMENT_KINDS.join(', ')}` })
  type?: MovementKind;

  @ApiPropertyOptional({ format: 'date-time', description: 'Included.' })
  @IsOptional()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Not included.' })
  @IsOptional()
  @IsTime()
  to?: string;

  @TakesSort(AGE_SORTS)
  sort: AgeSort = 'newest';
}

export class LowStockQuery extends PageQuery {
  @TakesSort(LOW_SORTS, '`stock` begins with what is nearest to nothing, or has come to it.')
  sort: LowSort = 'id';
}
