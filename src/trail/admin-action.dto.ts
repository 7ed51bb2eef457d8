import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Matches, Max, Min } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { PageQuery } from '../platform/http/page.js';
import { AsNumber, IsTime } from '../platform/http/validation.js';

const ID_MAX = 2_147_483_647;
const USER = { message: 'user must be an id' };

export class AdminActionsQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'product', maxLength: 40 })
  @IsOptional()
  @Matches(/^[a-z_]{1,40}$/, { message: 'entity must be a word such as product or api_key' })
  entity?: string;

  @ApiPropertyOptional({
    example: '1',
    minLength: 1,
    maxLength: 100,
    description: 'With `entity`: of this one.',
  })
  @IsOptional()
  @CleanText({ min: 1, max: 100 })
  entity_id?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, description: 'What this admin has done.' })
  @IsOptional()
  @AsNumber()
  @IsInt(USER)
  @Min(1, USER)
  @Max(ID_MAX, USER)
  user?: number;

  @ApiPropertyOptional({ format: 'date-time', description: 'Included.' })
  @IsOptional()
  @IsTime()
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'Not included.' })
  @IsOptional()
  @IsTime()
  to?: string;
}
