import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { DeadLetter } from './dead-letter.types.js';
import { EVENT_TYPES, type StoredEvent } from './event.types.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';

export class EventView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ enum: EVENT_TYPES, example: 'stock.changed' }) type!: string;
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { product_id: 1, stock: 9, sequence: 4 },
  })
  data!: Record<string, unknown>;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) created_at!: string;
}

export class EventPageView {
  @ApiProperty({ type: [EventView] }) events!: EventView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

/** An event that a consumer could not act on, however often it was tried. */
export class DeadLetterView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) event_id!: string;
  @ApiProperty({ enum: EVENT_TYPES, example: 'stock.changed' }) type!: string;
  @ApiProperty({ example: 'stock-watch' }) consumer!: string;
  @ApiProperty({ example: 'connect ECONNREFUSED', description: 'What the last try ended with.' })
  error!: string;
  @ApiProperty({ type: 'integer', example: 8 }) attempts!: number;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) failed_at!: string;
}

export class ResolvedDeadLetterView extends DeadLetterView {
  @ApiProperty({ enum: ['retried', 'discarded'], example: 'retried' }) resolution!: string;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) resolved_at!: string;
}

/** With what its event says, and what has become of it. */
export class WholeDeadLetterView extends DeadLetterView {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { product_id: 1, stock: 9, sequence: 4 },
    description: 'Of the event.',
  })
  data!: Record<string, unknown>;
  @ApiProperty({ enum: ['retried', 'discarded'], nullable: true, example: null }) resolution!: string | null;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null })
  resolved_at!: string | null;
}

export class DeadLetterPageView {
  @ApiProperty({ type: [DeadLetterView] }) dead_letters!: DeadLetterView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

export function viewOfEvent({ id, type, data, created_at }: StoredEvent): EventView {
  return { id, type, data, created_at: created_at.toISOString() };
}

export function viewOfDeadLetter(letter: DeadLetter): DeadLetterView {
  const { id, event_id, type, consumer, error, attempts, failed_at } = letter;
  return { id, event_id, type, consumer, error, attempts, failed_at: failed_at.toISOString() };
}

export function viewOfWhole(letter: DeadLetter & { data: Record<string, unknown> }): WholeDeadLetterView {
  const { data, resolution, resolved_at } = letter;
  return { ...viewOfDeadLetter(letter), data, resolution, resolved_at: resolved_at?.toISOString() ?? null };
}

/** The letter must be resolved. */
export function viewOfResolved(letter: DeadLetter): ResolvedDeadLetterView {
  return {
    ...viewOfDeadLetter(letter),
    resolution: letter.resolution as string,
    resolved_at: (letter.resolved_at as Date).toISOString(),
  };
}
