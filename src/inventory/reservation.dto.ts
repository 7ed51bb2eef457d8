import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { TakesSort } from '../platform/http/list-order.js';
import { PageQuery } from '../platform/http/page.js';
import { RESERVATION_SORTS, type ReservationSort, type ReservationStatus } from './inventory.types.js';
import { DecrementDto } from './stock.dto.js';

export const RESERVATION_STATUSES = ['active', 'fulfilled', 'cancelled', 'expired'] as const;

const SECONDS_MAX = 604_800;
const bounds = (field: string) => ({ message: `${field} must be between 1 and ${SECONDS_MAX}` });

/** Names its goods as a decrement does, and takes them for a limited time. */
export class ReserveDto extends DecrementDto {
  @ApiPropertyOptional({
    maxLength: 50,
    example: 'bank_transfer',
    description:
      'Gives the time when `ttl_seconds` does not: cod 24 h, bank_transfer 4 h, installment 2 h, e_wallet 15 min, ' +
      'credit_card and any other 30 min.',
  })
  @IsOptional()
  @CleanText({ min: 1, max: 50 })
  payment_method?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: SECONDS_MAX, example: 14_400 })
  @IsOptional()
  @IsInt(bounds('ttl_seconds'))
  @Min(1, bounds('ttl_seconds'))
  @Max(SECONDS_MAX, bounds('ttl_seconds'))
  ttl_seconds?: number;
}

export class ReleaseReservationDto {
  @ApiProperty({ minLength: 1, maxLength: 500, example: 'the customer went away' })
  @CleanText({ min: 1, max: 500 })
  reason!: string;
}

export class ExtendReservationDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: SECONDS_MAX, example: 600 })
  @IsInt(bounds('seconds'))
  @Min(1, bounds('seconds'))
  @Max(SECONDS_MAX, bounds('seconds'))
  seconds!: number;
}

export class ReservationsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: RESERVATION_STATUSES })
  @IsOptional()
  @IsIn(RESERVATION_STATUSES, { message: `status must be one of ${RESERVATION_STATUSES.join(', ')}` })
  status?: ReservationStatus;

  @ApiPropertyOptional({ maxLength: 64, example: 'pos-7-00042' })
  @IsOptional()
  @CleanText({ min: 1, max: 64 })
  order_id?: string;

  @TakesSort(
    RESERVATION_SORTS,
    '`expires` goes with `status=active`, and begins with what is about to run out.',
  )
  sort: ReservationSort = 'newest';
}
