import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { DeadLetterService } from '../event/dead-letter.service.js';
import { DeadLettersQuery, EventsQuery } from '../event/event.dto.js';
import { EventService } from '../event/event.service.js';
import {
  DeadLetterPageView,
  EventPageView,
  EventView,
  ResolvedDeadLetterView,
  WholeDeadLetterView,
} from '../event/event.view.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin')
export class AdminEventsController {
  constructor(
    private readonly events: EventService,
    private readonly deadLetters: DeadLetterService,
  ) {}

  @Get('events')
  @ApiOperation({ summary: 'What has happened, newest first' })
  @Answers(200, EventPageView)
  list(@Query() query: EventsQuery) {
    return this.events.list(query);
  }

  @Get('events/:id')
  @TakesUuid()
  @ApiOperation({ summary: 'One event, for as long as it is kept' })
  @Answers(200, EventView)
  @Refuses(404, 'not_found', 'event not found')
  get(@Param('id', UuidId) id: string) {
    return this.events.get(id);
  }

  @Get('dead-letters')
  @ApiOperation({ summary: 'Events that a consumer could not act on, newest first by default' })
  @Answers(200, DeadLetterPageView)
  listDeadLetters(@Query() query: DeadLettersQuery) {
    return this.deadLetters.list(query);
  }

  @Get('dead-letters/:id')
  @TakesUuid()
  @ApiOperation({ summary: 'A dead letter, resolved or not, with what its event says' })
  @Answers(200, WholeDeadLetterView)
  @Refuses(404, 'not_found', 'dead letter not found')
  getDeadLetter(@Param('id', UuidId) id: string) {
    return this.deadLetters.get(id);
  }

  @Post('dead-letters/:id/retry')
  @TakesUuid()
  @HttpCode(200)
  @ApiOperation({ summary: 'Hand the event to its consumer again, once' })
  @TakesIdempotencyKey()
  @Answers(200, ResolvedDeadLetterView, 'Handed on; or resolved before, and nothing was done.')
  @Refuses(404, 'not_found', 'dead letter not found')
  @Refuses(
    409,
    ['consumer_gone', 'idempotency_in_progress'],
    'the consumer stock-watch is gone: this letter can only be discarded',
  )
  retry(@Param('id', UuidId) id: string, @IdempotencyClaim() claim: Claim | null) {
    return this.deadLetters.retry(id, claim);
  }

  @Post('dead-letters/:id/discard')
  @TakesUuid()
  @HttpCode(200)
  @ApiOperation({ summary: 'Give the event up for this consumer' })
  @TakesIdempotencyKey()
  @Answers(200, ResolvedDeadLetterView, 'Given up; or resolved before, and nothing was done.')
  @Refuses(404, 'not_found', 'dead letter not found')
  @Refuses(409, 'idempotency_in_progress', 'a request with this idempotency key is still in progress')
  discard(@Param('id', UuidId) id: string, @IdempotencyClaim() claim: Claim | null) {
    return this.deadLetters.discard(id, claim);
  }
}
