import { Body, Controller, Get, HttpCode, Post, Query, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Scopes } from '../auth/scopes.js';
import { Answers, Refuses, TakesIdempotencyKey } from '../platform/http/docs.js';
import { Public } from '../platform/http/public.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import {
  BulkDto,
  CheckDto,
  DecrementDto,
  EnterMovementDto,
  LowStockQuery,
  MovementsQuery,
  RollbackDto,
} from './stock.dto.js';
import { StockOperations } from './stock.metrics.js';
import { StockService } from './stock.service.js';
import {
  BulkView,
  CheckView,
  DecrementView,
  EnteredView,
  LowStockPageView,
  MovementPageView,
  RollbackView,
  SummaryView,
} from './stock.view.js';
import { StockEntryService } from './stock-entry.service.js';

@ApiTags('inventory')
@RateLimit('inventory_writes')
@Controller('inventory')
@UseInterceptors(StockOperations)
export class StockController {
  constructor(
    private readonly stock: StockService,
    private readonly entries: StockEntryService,
  ) {}

  @Post('check')
  @HttpCode(200)
  @RateLimit('reads')
  @Public()
  @ApiOperation({
    summary: 'Ask whether goods could be had now',
    description: 'Changes nothing and promises nothing. Lines that name one product are summed.',
  })
  @Answers(200, CheckView)
  check(@Body() dto: CheckDto) {
    return this.stock.check(dto);
  }

  @Post('decrement')
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({
    summary: "Take goods for another system's order: all or nothing",
    description:
      'Once per `order_id`: a repeat answers the same and takes nothing, whatever it names and whatever has been rolled back since. One that comes after its rollback is 409 `already_rolled_back`.',
  })
  @TakesIdempotencyKey()
  @Answers(200, DecrementView, 'Taken, now or before.')
  @Refuses(404, 'not_found', 'product 99 not found')
  @Refuses(
    409,
    [
      'insufficient_stock',
      'already_rolled_back',
      'order_not_cancellable',
      'reservation_active',
      'idempotency_in_progress',
    ],
    'insufficient stock for product 1',
  )
  decrement(@Body() dto: DecrementDto, @IdempotencyClaim() claim: Claim | null) {
    return this.stock.decrement(dto, claim);
  }

  @Post('rollback')
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({
    summary: "Give back what was taken for another system's order, once a product",
    description:
      'Never more than the ledger shows was taken. Without `items` all of it, and an active reservation of the order is cancelled. Before its decrement it is remembered: 200 without results, and the late decrement is refused.',
  })
  @TakesIdempotencyKey()
  @Answers(200, RollbackView, 'Given back, now or before.')
  @Refuses(
    409,
    ['order_not_cancellable', 'reservation_active', 'idempotency_in_progress'],
    "order 01939b1e-7c1a-7000-8000-3f3f1a2b4c5d is one of the shop's own: cancel it instead",
  )
  rollback(@Body() dto: RollbackDto, @IdempotencyClaim() claim: Claim | null) {
    return this.stock.rollback(dto, claim);
  }

  @Post('movements')
  @Scopes('inventory:write')
  @ApiOperation({ summary: 'Enter goods that came in, went out, or were counted' })
  @TakesIdempotencyKey()
  @Answers(201, EnteredView)
  @Refuses(404, 'not_found', 'product 99 not found')
  @Refuses(
    409,
    ['insufficient_stock', 'stock_changed', 'idempotency_in_progress'],
    'insufficient stock for product 1',
  )
  enter(@Body() dto: EnterMovementDto, @IdempotencyClaim() claim: Claim | null) {
    return this.entries.enter(dto, claim);
  }

  @Get('movements')
  @Scopes('inventory:read')
  @ApiOperation({ summary: 'The ledger, newest first by default: every change of stock there ever was' })
  @Answers(200, MovementPageView)
  movements(@Query() query: MovementsQuery) {
    return this.entries.list(query);
  }

  @Post('bulk')
  @HttpCode(200)
  @Scopes('inventory:write')
  @ApiOperation({
    summary: 'Set the counts of many products',
    description: 'Each row is answered for itself; one that fails does not stop the others.',
  })
  @TakesIdempotencyKey()
  @Answers(200, BulkView, 'Done as far as possible: see each row.')
  @Refuses(409, 'idempotency_in_progress', 'a call with this idempotency key is still running')
  count(@Body() dto: BulkDto, @IdempotencyClaim() claim: Claim | null) {
    return this.entries.count(dto, claim);
  }

  @Get('summary')
  @Scopes('inventory:read')
  @ApiOperation({
    summary: 'All stock in six numbers',
    description: 'Deleted products are left out, and those that are sold only through their variants.',
  })
  @Answers(200, SummaryView)
  summary() {
    return this.stock.summary();
  }

  @Get('low-stock')
  @Scopes('inventory:read')
  @ApiOperation({
    summary: 'Products at or below their threshold',
    description:
      'By id unless another sort is asked for. A threshold of 0 is none. Those out of stock are among them.',
  })
  @Answers(200, LowStockPageView)
  lowStock(@Query() query: LowStockQuery) {
    return this.stock.listLow(query);
  }
}
