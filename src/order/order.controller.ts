import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { PlaceOrderDto } from './order.dto.js';
import { OrderService } from './order.service.js';
import { OrderPageView, OrderView } from './order.view.js';

@ApiTags('orders')
@RateLimit('orders')
@ApiBearerAuth('access_token')
@Controller('orders')
export class OrderController {
  constructor(private readonly orders: OrderService) {}

  @Post()
  @ApiOperation({ summary: 'Place an order: all its lines or none' })
  @TakesIdempotencyKey()
  @Answers(201, OrderView, 'Placed; its goods are held until `reservation.expires_at`.')
  @Refuses(
    400,
    ['discount_invalid', 'points_insufficient', 'validation_failed'],
    'the discount code AUTUMN15 has ended',
  )
  @Refuses(404, 'not_found', 'product not found')
  @Refuses(
    409,
    ['insufficient_stock', 'price_changed', 'product_unavailable', 'idempotency_in_progress'],
    'insufficient stock for product 1',
  )
  place(@CurrentUser() caller: Caller, @Body() dto: PlaceOrderDto, @IdempotencyClaim() claim: Claim | null) {
    return this.orders.place(caller, dto, claim);
  }

  @Get()
  @ApiOperation({ summary: 'Your orders, newest first' })
  @Answers(200, OrderPageView)
  list(@CurrentUser() caller: Caller, @Query() query: PageQuery) {
    return this.orders.listOwn(caller, query);
  }

  @Get(':id')
  @TakesUuid()
  @ApiOperation({ summary: 'One of your orders' })
  @Answers(200, OrderView)
  @Refuses(404, 'not_found', 'order not found')
  async get(@CurrentUser() caller: Caller, @Param('id', UuidId) id: string) {
    return this.orders.view(await this.orders.getOwn(caller, id));
  }
}
