import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CancelOrderDto } from '../order/order.dto.js';
import { OrderView } from '../order/order.view.js';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { CancellationService } from './cancellation.service.js';

@ApiTags('orders')
@RateLimit('orders')
@ApiBearerAuth('access_token')
@Controller('orders')
export class CancellationController {
  constructor(private readonly cancellations: CancellationService) {}

  @Post(':id/cancel')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'Cancel an order; what it took comes back once, and its money as well' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView, 'Cancelled, now or before.')
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(
    409,
    ['order_not_cancellable', 'idempotency_in_progress'],
    'an order that is shipped cannot be cancelled',
  )
  cancel(
    @CurrentUser() caller: Caller,
    @Param('id', UuidId) id: string,
    @Body() dto: CancelOrderDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.cancellations.cancel(caller, id, dto, claim);
  }
}
