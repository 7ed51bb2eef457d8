import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class StorefrontView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'Lamps of Lapland' }) name!: string;
  @ApiProperty({ example: 'Light for long nights.' }) description!: string;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  created_at!: Date;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  updated_at!: Date;
}

export class StorefrontPageView {
  @ApiProperty({ type: [StorefrontView] }) storefronts!: StorefrontView[];
  @ApiProperty({ type: 'string', nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', example: 1, description: 'Only with `count=true`.' })
  total?: number;
}
