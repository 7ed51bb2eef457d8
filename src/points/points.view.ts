import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { POINTS_KINDS, type PointsEntry, type PointsKind } from './points.types.js';

export class PointsEntryView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ type: 'integer', example: 1299, description: 'Negative when points went.' }) delta!: number;
  @ApiProperty({ enum: POINTS_KINDS, example: 'earned' }) kind!: PointsKind;
  @ApiProperty({ format: 'uuid', example: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d' }) order_id!: string;
  @ApiProperty({ type: String, nullable: true, example: null }) reason!: string | null;
  @ApiProperty({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' }) created_at!: string;
}

export class PointsView {
  @ApiProperty({ type: 'integer', minimum: 0, example: 1299, description: 'What can be spent.' })
  balance!: number;
  @ApiProperty({
    type: 'integer',
    minimum: 0,
    example: 0,
    description:
      'Points of orders that came to nothing, spent before that. Points that come in settle them first: all entries add up to `balance` less `owed`.',
  })
  owed!: number;
  @ApiProperty({ type: [PointsEntryView], description: 'Newest first.' }) entries!: PointsEntryView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

export function pointsEntryView({ created_at, ...entry }: PointsEntry): PointsEntryView {
  return { ...entry, created_at: created_at.toISOString() };
}
