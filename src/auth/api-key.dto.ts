import { ApiProperty } from '@nestjs/swagger';
import { ArrayNotEmpty, ArrayUnique, IsArray, IsIn } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { Trimmed } from '../platform/http/validation.js';
import { SCOPES, type Scope } from './scopes.js';

const NAME_LENGTH_MAX = 100;
const NOT_A_SCOPE = { message: `scopes must be a list of ${SCOPES.join(' and ')}` };

export class CreateApiKeyDto {
  @ApiProperty({ example: 'warehouse', minLength: 1, maxLength: NAME_LENGTH_MAX })
  @Trimmed()
  @CleanText({ min: 1, max: NAME_LENGTH_MAX })
  name!: string;

  @ApiProperty({
    enum: SCOPES,
    isArray: true,
    minItems: 1,
    uniqueItems: true,
    example: ['inventory:read'],
    description: 'None implies another: `inventory:write` does not read.',
  })
  // Of several decorators the last is asked first, and only the first fault of a member is told.
  @ArrayUnique({ message: 'scopes must not name one twice' })
  @IsIn(SCOPES, { ...NOT_A_SCOPE, each: true })
  @ArrayNotEmpty({ message: 'scopes must not be empty' })
  @IsArray(NOT_A_SCOPE)
  scopes!: Scope[];
}

export class ApiKeyView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'warehouse' }) name!: string;
  @ApiProperty({ enum: SCOPES, isArray: true, example: ['inventory:read'] }) scopes!: Scope[];
  @ApiProperty({ example: 'hf_3v5Jq8Zc', description: 'How the key begins.' }) prefix!: string;
  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-21T10:40:00.000Z' }) created_at!: Date;
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-21T10:41:00.000Z',
    description: 'Kept to the minute; null for one that was never used.',
  })
  last_used_at!: Date | null;
}

export class NewApiKeyView extends ApiKeyView {
  @ApiProperty({
    example: 'hf_3v5Jq8ZcT1nYx0oWb7RkUe2sLh4aKf6GzVxBpEmQd9I',
    description: 'Shown this once, and to a repeat with the same `Idempotency-Key`: only its hash is kept.',
  })
  key!: string;
}

export class ApiKeyPageView {
  @ApiProperty({ type: [ApiKeyView] }) api_keys!: ApiKeyView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ type: 'integer', required: false, description: 'Only with `count=true`.' }) total?: number;
}
