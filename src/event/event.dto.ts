import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import { AGE_SORTS, type AgeSort, TakesSort } from '../platform/http/list-order.js';
import { PageQuery } from '../platform/http/page.js';
import { EVENT_TYPES, type EventType } from './event.types.js';

export class EventsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: EVENT_TYPES })
  @IsOptional()
  @IsIn(EVENT_TYPES, { message: `type must be one of ${EVENT_TYPES.join(', ')}` })
  type?: EventType;
}

export class DeadLettersQuery extends PageQuery {
  @TakesSort(AGE_SORTS)
  sort: AgeSort = 'newest';
}
