import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { MOVEMENT_KINDS, type Movement, type MovementKind } from './inventory.types.js';

export class AvailabilityView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ type: 'integer', example: 2, description: 'Of all lines that name the product.' })
  requested_quantity!: number;
  @ApiProperty({
    type: 'integer',
    example: 100,
    description: 'What can be had now, goods of overdue holds among it. 0 for what is unknown or not sold.',
  })
  available_quantity!: number;
  @ApiProperty({ example: true }) is_available!: boolean;
}

export class CheckView {
  @ApiProperty({ example: true }) all_available!: boolean;
  @ApiProperty({ type: [AvailabilityView] }) items!: AvailabilityView[];
}

export class StockStepView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ type: 'integer', example: 100 }) stock_before!: number;
  @ApiProperty({ type: 'integer', example: 98 }) stock_after!: number;
}

export class DecrementView {
  @ApiProperty({ example: true }) success!: boolean;
  @ApiProperty({ type: [StockStepView], description: 'One a product, in the order of the lines.' })
  results!: StockStepView[];
}

export class RestoredView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ type: 'integer', example: 2, description: 'How much came back now.' }) restored!: number;
  @ApiProperty({ type: 'integer', example: 98 }) stock_before!: number;
  @ApiProperty({ type: 'integer', example: 100 }) stock_after!: number;
  @ApiProperty({ example: false, description: 'It had come back before; nothing was done now.' })
  already_rolled_back!: boolean;
}

export class RollbackView {
  @ApiProperty({ example: true }) success!: boolean;
  @ApiProperty({
    type: [RestoredView],
    description: 'Only what was taken for the order: other products that were named are not here.',
  })
  results!: RestoredView[];
}

export class MovementView {
  @ApiProperty({ type: 'integer', example: 42 }) id!: number;
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ enum: MOVEMENT_KINDS, example: 'in' }) type!: MovementKind;
  @ApiProperty({ type: 'integer', example: 20, description: 'Negative when the stock went down.' })
  delta!: number;
  @ApiProperty({ type: 'integer', example: 120 }) stock_after!: number;
  @ApiProperty({ type: 'string', nullable: true, example: null }) order_id!: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'delivery' }) reason!: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'Delivery note 4711.' }) notes!: string | null;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T10:00:00.000Z' })
  created_at!: Date;
}

export class EnteredView {
  @ApiProperty({ type: MovementView }) movement!: MovementView;
  @ApiProperty({ type: 'integer', example: 100 }) stock_before!: number;
  @ApiProperty({ type: 'integer', example: 120 }) stock_after!: number;
}

export class MovementPageView {
  @ApiProperty({ type: [MovementView] }) movements!: MovementView[];
  @ApiProperty({ type: 'string', nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'Only with `count=true`.' })
  total?: number;
}

export class CountedView {
  @ApiProperty({ type: 'integer', example: 0, description: 'Which of the items, from 0.' }) index!: number;
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ enum: ['updated', 'failed'], example: 'updated' }) status!: 'updated' | 'failed';
  @ApiPropertyOptional({ type: 'integer', example: 100 }) stock_before?: number;
  @ApiPropertyOptional({ type: 'integer', example: 120 }) stock_after?: number;
  @ApiPropertyOptional({
    enum: ['not_found', 'stock_changed', 'duplicate_product'],
    description: 'Why it failed. `duplicate_product`: an earlier row names the product, and that one counts.',
  })
  code?: string;
  @ApiPropertyOptional({ description: 'The same as a sentence.' }) error?: string;
}

export class BulkView {
  @ApiProperty({ type: [CountedView] }) results!: CountedView[];
  @ApiProperty({ type: 'integer', example: 1 }) updated!: number;
  @ApiProperty({ type: 'integer', example: 0 }) failed!: number;
}

export class SummaryView {
  @ApiProperty({
    type: 'integer',
    example: 5,
    description: 'Inactive ones too; deleted ones are not counted.',
  })
  products!: number;
  @ApiProperty({ type: 'integer', example: 0 }) out_of_stock!: number;
  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'At or below their threshold, if they have one; those out of stock among them.',
  })
  low_stock!: number;
  @ApiProperty({
    type: 'integer',
    example: 1250,
    description: 'What can be sold now: what is reserved is out of it.',
  })
  units!: number;
  @ApiProperty({ type: 'number', example: 281_987.5, description: 'Of the units, at their prices of now.' })
  stock_value!: number;
  @ApiProperty({
    type: 'integer',
    example: 12,
    description: 'Held by reservations whose time has not passed.',
  })
  reserved_units!: number;
}

export class LowProductView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ example: 'LAPTOP-001' }) sku!: string;
  @ApiProperty({ example: 'Laptop' }) name!: string;
  @ApiProperty({ type: 'integer', example: 7 }) stock!: number;
  @ApiProperty({ type: 'integer', example: 10 }) low_stock_threshold!: number;
}

export class LowStockPageView {
  @ApiProperty({ type: [LowProductView] }) products!: LowProductView[];
  @ApiProperty({ type: 'string', nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'Only with `count=true`.' })
  total?: number;
}

export function movementView({ kind, order_ref, ...movement }: Movement): MovementView {
  const { id, product_id, delta, stock_after, reason, notes, created_at } = movement;
  return { id, product_id, type: kind, delta, stock_after, order_id: order_ref, reason, notes, created_at };
}
