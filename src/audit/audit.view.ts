import { ApiProperty } from '@nestjs/swagger';

export class AuditCheckView {
  @ApiProperty({ example: 'stock_equals_ledger' }) name!: string;
  @ApiProperty({ type: 'integer', minimum: 0, example: 0, description: 'How many rows break it.' })
  violations!: number;
  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    example: [],
    description: 'Up to ten of them, as ids and numbers; amounts in minor units.',
  })
  sample!: Record<string, unknown>[];
}

export class AuditView {
  @ApiProperty({ example: true, description: 'No check has found a violation.' }) consistent!: boolean;
  @ApiProperty({
    type: String,
    format: 'date-time',
    example: '2026-11-21T10:40:00.000Z',
    description: 'The one moment that all checks have looked at.',
  })
  checked_at!: Date;
  @ApiProperty({ type: [AuditCheckView] }) checks!: AuditCheckView[];
}
