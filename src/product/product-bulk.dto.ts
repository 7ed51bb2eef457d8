import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { IsList } from '../platform/http/lists.js';
import { ChangeProduct, CreateProduct } from './product.dto.js';
import { INTEGER_MAX, IsId } from './product.rules.js';

const OPERATIONS_MAX = 1_000;

export class CreateOperation extends CreateProduct {
  @ApiProperty({ enum: ['create'] })
  @IsIn(['create'])
  op!: 'create';
}

export class UpdateOperation extends ChangeProduct {
  @ApiProperty({ enum: ['update'] })
  @IsIn(['update'])
  op!: 'update';

  @ApiProperty({ type: 'integer', minimum: 1, maximum: INTEGER_MAX, example: 1 })
  @IsId()
  id!: number;
}

export class DeleteOperation {
  @ApiProperty({ enum: ['delete'] })
  @IsIn(['delete'])
  op!: 'delete';

  @ApiProperty({ type: 'integer', minimum: 1, maximum: INTEGER_MAX, example: 1 })
  @IsId()
  id!: number;
}

/** What each operation must look like. Each is validated for itself: one that is wrong does not stop the others. */
export const OPERATIONS = { create: CreateOperation, update: UpdateOperation, delete: DeleteOperation };

@ApiExtraModels(CreateOperation, UpdateOperation, DeleteOperation)
export class BulkProducts {
  @ApiProperty({
    type: 'array',
    items: { oneOf: Object.values(OPERATIONS).map((operation) => ({ $ref: getSchemaPath(operation) })) },
    minItems: 1,
    maxItems: OPERATIONS_MAX,
    example: [
      { op: 'create', sku: 'LAPTOP-002', name: 'Laptop 16"', price: 1499.99 },
      { op: 'update', id: 1, price: 1199.99 },
      { op: 'delete', id: 2 },
    ],
  })
  @IsList({ max: OPERATIONS_MAX })
  operations!: unknown[];
}

export class BulkResultView {
  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'The place of the operation in the list, from 0.',
  })
  index!: number;
  @ApiProperty({
    type: 'integer',
    example: 201,
    description: 'What the operation would be answered alone: 201, 200 or 204 when it was done.',
  })
  status!: number;
  @ApiPropertyOptional({ type: 'integer', example: 6, description: 'Of the product.' }) id?: number;
  @ApiPropertyOptional({ example: 'sku_taken', description: 'Only when it was refused.' }) code?: string;
  @ApiPropertyOptional({
    example: 'the sku LAPTOP-001 is already taken',
    description: 'Only when it was refused.',
  })
  error?: string;
}

export class BulkProductsView {
  @ApiProperty({ type: [BulkResultView], description: 'In the order of the operations.' })
  results!: BulkResultView[];
}
