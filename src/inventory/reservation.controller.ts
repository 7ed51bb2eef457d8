import { Body, Controller, Get, HttpCode, Param, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Scopes } from '../auth/scopes.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { ExternalReservationService } from './external-reservation.service.js';
import {
  ExtendReservationDto,
  ReleaseReservationDto,
  ReservationsQuery,
  ReserveDto,
} from './reservation.dto.js';
import { ReservationPageView, ReservationView } from './reservation.view.js';
import { StockOperations } from './stock.metrics.js';

const ENDED = 'the reservation is no longer active: it is expired';

@ApiTags('inventory')
@RateLimit('inventory_writes')
@Controller('inventory/reservations')
@UseInterceptors(StockOperations)
export class ReservationController {
  constructor(private readonly reservations: ExternalReservationService) {}

  @Post()
  @Scopes('inventory:write')
  @ApiOperation({
    summary: 'Hold goods for an order of another system, once per `order_id`',
    description:
      'The same again answers the reservation as it is now, and holds nothing more. Once it has ended, that is 409 `reservation_not_active`.',
  })
  @TakesIdempotencyKey()
  @Answers(201, ReservationView, 'Held until `expires_at`, now or by the same request before.')
  @Refuses(404, 'not_found', 'product 99 not found')
  @Refuses(
    409,
    [
      'insufficient_stock',
      'reservation_not_active',
      'order_id_taken',
      'order_not_cancellable',
      'already_rolled_back',
      'idempotency_in_progress',
    ],
    'insufficient stock for product 1',
  )
  reserve(@Body() dto: ReserveDto, @IdempotencyClaim() claim: Claim | null) {
    return this.reservations.reserve(dto, claim);
  }

  @Get()
  @Scopes('inventory:read')
  @ApiOperation({ summary: "Holds, newest first by default: of other systems and of the shop's own orders" })
  @Answers(200, ReservationPageView)
  list(@Query() query: ReservationsQuery) {
    return this.reservations.list(query);
  }

  @Get(':id')
  @TakesUuid()
  @Scopes('inventory:read')
  @ApiOperation({ summary: 'One hold' })
  @Answers(200, ReservationView)
  @Refuses(404, 'not_found', 'reservation not found')
  get(@Param('id', UuidId) id: string) {
    return this.reservations.get(id);
  }

  @Post(':id/confirm')
  @TakesUuid()
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({ summary: 'The goods are sold: the hold is fulfilled' })
  @TakesIdempotencyKey()
  @Answers(200, ReservationView, 'Fulfilled, now or before.')
  @Refuses(404, 'not_found', 'reservation not found')
  @Refuses(409, ['reservation_not_active', 'order_not_cancellable', 'idempotency_in_progress'], ENDED)
  confirm(@Param('id', UuidId) id: string, @IdempotencyClaim() claim: Claim | null) {
    return this.reservations.confirm(id, claim);
  }

  @Post(':id/release')
  @TakesUuid()
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({ summary: 'The goods can be sold again: the hold is cancelled' })
  @TakesIdempotencyKey()
  @Answers(200, ReservationView, 'Cancelled, now or before; the goods come back once.')
  @Refuses(404, 'not_found', 'reservation not found')
  @Refuses(409, ['reservation_not_active', 'order_not_cancellable', 'idempotency_in_progress'], ENDED)
  release(
    @Param('id', UuidId) id: string,
    @Body() dto: ReleaseReservationDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.reservations.release(id, dto, claim);
  }

  @Post(':id/extend')
  @TakesUuid()
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({ summary: 'Hold the goods for longer: at most twice the first time in all' })
  @TakesIdempotencyKey()
  @Answers(200, ReservationView)
  @Refuses(404, 'not_found', 'reservation not found')
  @Refuses(409, ['reservation_not_active', 'extension_too_long', 'idempotency_in_progress'], ENDED)
  extend(
    @Param('id', UuidId) id: string,
    @Body() dto: ExtendReservationDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.reservations.extend(id, dto, claim);
  }
}
