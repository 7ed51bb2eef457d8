import { ApiProperty } from '@nestjs/swagger';

export class ImportErrorView {
  @ApiProperty({ type: 'integer', example: 2, description: 'From 1, without the header.' }) row!: number;
  @ApiProperty({ type: 'string', nullable: true, example: 'LAPTOP-002' }) sku!: string | null;
  @ApiProperty({ example: 'validation_failed' }) code!: string;
  @ApiProperty({ example: 'price must be a number greater than 0 and at most 1000000000' }) error!: string;
}

export class ImportView {
  @ApiProperty({
    type: 'integer',
    example: 3,
    description: 'How many rows were read; the sum of the next four.',
  })
  rows!: number;
  @ApiProperty({ type: 'integer', example: 1 }) created!: number;
  @ApiProperty({ type: 'integer', example: 1 }) updated!: number;
  @ApiProperty({ type: 'integer', example: 0 }) unchanged!: number;
  @ApiProperty({ type: 'integer', example: 1 }) failed!: number;
  @ApiProperty({
    type: [ImportErrorView],
    description: 'The first thousand rows that failed, in their order.',
  })
  errors!: ImportErrorView[];
}
