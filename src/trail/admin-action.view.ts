import { ApiProperty } from '@nestjs/swagger';

const STATE = { type: 'object', additionalProperties: true, nullable: true } as const;

export class AdminActionView {
  @ApiProperty({ type: 'integer', example: 12 }) id!: number;
  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-21T10:40:00.000Z' }) at!: Date;
  @ApiProperty({ type: 'integer', nullable: true, example: 1, description: 'The admin who did it.' })
  user_id!: number | null;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: null,
    description: 'The API key that did it. Neither of the two: the service itself.',
  })
  api_key_id!: number | null;
  @ApiProperty({ example: 'product.changed' }) action!: string;
  @ApiProperty({ example: 'product' }) entity!: string;
  @ApiProperty({ example: '1' }) entity_id!: string;
  @ApiProperty({ ...STATE, example: { price: 1299.99 }, description: 'Of a change, what is different now.' })
  before!: Record<string, unknown> | null;
  @ApiProperty({ ...STATE, example: { price: 1199.99 } }) after!: Record<string, unknown> | null;
  @ApiProperty({ type: String, nullable: true, example: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d' })
  request_id!: string | null;
}

export class AdminActionPageView {
  @ApiProperty({ type: [AdminActionView] }) actions!: AdminActionView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ type: 'integer', required: false, description: 'Only with `count=true`.' }) total?: number;
}
