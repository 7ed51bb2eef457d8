import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min, NotEquals } from 'class-validator';
import { QUANTITY_BOUNDS, QUANTITY_MAX, QUANTITY_MIN } from './cart.errors.js';

const INTEGER_ID_MAX = 2_147_483_647;
const PRODUCT_ID = { message: 'product_id must be a positive integer' };
const QUANTITY = { message: QUANTITY_BOUNDS };
const DELTA = { message: 'delta must be a whole number other than 0' };

export class SetQuantity {
  @ApiProperty({ type: 'integer', minimum: QUANTITY_MIN, maximum: QUANTITY_MAX, example: 2 })
  @IsInt(QUANTITY)
  @Min(QUANTITY_MIN, QUANTITY)
  @Max(QUANTITY_MAX, QUANTITY)
  quantity!: number;
}

export class AddItem extends SetQuantity {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1 })
  @IsInt(PRODUCT_ID)
  @Min(1, PRODUCT_ID)
  @Max(INTEGER_ID_MAX, PRODUCT_ID)
  product_id!: number;
}

export class ChangeQuantity {
  // The lowest decorator speaks first. A longer step leaves the bounds from wherever it starts: it gets the same words.
  @ApiProperty({ type: 'integer', minimum: -QUANTITY_MAX, maximum: QUANTITY_MAX, example: -1 })
  @Min(-QUANTITY_MAX, QUANTITY)
  @Max(QUANTITY_MAX, QUANTITY)
  @NotEquals(0, DELTA)
  @IsInt(DELTA)
  delta!: number;
}

export class CartItemView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ example: 'Laptop' }) product_name!: string;
  @ApiProperty({ type: 'integer', example: 2 }) quantity!: number;
  @ApiProperty({ type: 'number', example: 1299.99 }) price!: number;
  @ApiProperty({ type: 'number', example: 2599.98 }) subtotal!: number;
  @ApiProperty({
    example: true,
    description: 'Whether this quantity could be had now. A cart holds no stock.',
  })
  available!: boolean;
}

export class CartView {
  @ApiProperty({ example: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d', description: 'Empty for an empty cart.' })
  cart_id!: string;
  @ApiProperty({ type: 'integer', example: 7 }) user_id!: number;
  @ApiProperty({ type: [CartItemView] }) items!: CartItemView[];
  @ApiProperty({ type: 'integer', example: 1, description: 'How many lines there are.' })
  total_items!: number;
  @ApiProperty({ type: 'number', example: 2599.98 }) total_price!: number;
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-11-21T09:00:00.000Z' })
  updated_at!: Date | null;
}
