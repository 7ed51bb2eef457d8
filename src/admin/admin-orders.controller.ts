import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { ConfirmPaymentDto } from '../checkout/checkout.dto.js';
import { OrderPaymentService } from '../checkout/order-payment.service.js';
import { AdminOrdersQuery } from '../order/order.dto.js';
import { OrderService } from '../order/order.service.js';
import { OrderPageView, OrderView } from '../order/order.view.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/orders')
export class AdminOrdersController {
  constructor(
    private readonly orders: OrderService,
    private readonly orderPayments: OrderPaymentService,
  ) {}

  @Get()
  @ApiOperation({ summary: "Everybody's orders, newest first" })
  @Answers(200, OrderPageView)
  list(@Query() query: AdminOrdersQuery) {
    return this.orders.list(query);
  }

  @Get(':id')
  @TakesUuid()
  @ApiOperation({ summary: 'Any order' })
  @Answers(200, OrderView)
  @Refuses(404, 'not_found', 'order not found')
  async get(@Param('id', UuidId) id: string) {
    return this.orders.view(await this.orders.get(id));
  }

  @Post(':id/confirm-payment')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'Accept the money for a cash-on-delivery or bank-transfer order' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView, 'Paid, now or before.')
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(409, ['order_not_payable', 'idempotency_in_progress'], 'an order that is expired cannot be paid')
  confirmPayment(
    @Param('id', UuidId) id: string,
    @Body() dto: ConfirmPaymentDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.orderPayments.confirmByHand(id, dto, claim);
  }
}
