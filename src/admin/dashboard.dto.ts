import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { AsNumber } from '../platform/http/validation.js';

const DAYS_DEFAULT = 30;
const DAYS_MAX = 366;
const DAYS = { message: `days must be between 1 and ${DAYS_MAX}` };

export class DashboardQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: DAYS_MAX,
    default: DAYS_DEFAULT,
    description: 'How many days, today among them.',
  })
  @IsOptional()
  @AsNumber()
  @IsInt(DAYS)
  @Min(1, DAYS)
  @Max(DAYS_MAX, DAYS)
  days: number = DAYS_DEFAULT;
}
