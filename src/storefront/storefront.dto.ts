import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { CleanText } from '../platform/http/clean-text.js';
import { Composed, IfGiven, Trimmed } from '../platform/http/validation.js';

export class CreateStorefront {
  @ApiProperty({ example: 'Lamps of Lapland', minLength: 1, maxLength: 200 })
  @Composed()
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  name!: string;

  @ApiPropertyOptional({ example: 'Light for long nights.', maxLength: 10_000, default: '' })
  @IfGiven()
  @Composed()
  @CleanText({ min: 0, max: 10_000, multiline: true })
  description: string = '';
}

export class ChangeStorefront {
  @ApiPropertyOptional({ example: 'Lamps of Lapland', minLength: 1, maxLength: 200 })
  @IfGiven()
  @Composed()
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  name?: string;

  @ApiPropertyOptional({ example: 'Light for long nights.', maxLength: 10_000 })
  @IfGiven()
  @Composed()
  @CleanText({ min: 0, max: 10_000, multiline: true })
  description?: string;
}
