import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { CancellationService } from '../checkout/cancellation.service.js';
import { ConfirmPaymentDto, RefundedOrderView, RefundOrderDto } from '../checkout/checkout.dto.js';
import { OrderPaymentService } from '../checkout/order-payment.service.js';
import { OrderRefundService } from '../checkout/order-refund.service.js';
import { FulfilmentService } from '../order/fulfilment.service.js';
import { AdminOrdersQuery, CancelOrderDto, ReturnGoodsDto, ShipOrderDto } from '../order/order.dto.js';
import { OrderService } from '../order/order.service.js';
import { OrderPageView, OrderView } from '../order/order.view.js';
import { PaymentsView } from '../payment/payment.view.js';
import { RefundsView } from '../payment/refund.view.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
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
    private readonly orderRefunds: OrderRefundService,
    private readonly cancellations: CancellationService,
    private readonly fulfilment: FulfilmentService,
  ) {}

  @Get()
  @ApiOperation({ summary: "Everybody's orders, newest first unless another sort is asked for" })
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

  @Post(':id/ship')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'A paid order is on its way' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView)
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(
    409,
    ['order_not_shippable', 'idempotency_in_progress'],
    'an order that is pending cannot be shipped',
  )
  ship(@Param('id', UuidId) id: string, @Body() dto: ShipOrderDto, @IdempotencyClaim() claim: Claim | null) {
    return this.fulfilment.ship(id, dto, claim);
  }

  @Post(':id/deliver')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'A shipped order has arrived' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView)
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(
    409,
    ['order_not_deliverable', 'idempotency_in_progress'],
    'an order that is paid cannot be delivered',
  )
  deliver(@Param('id', UuidId) id: string, @IdempotencyClaim() claim: Claim | null) {
    return this.fulfilment.deliver(id, claim);
  }

  @Post(':id/return')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'Goods have come back; the sellable ones go back to stock; no money moves' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView)
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(
    409,
    ['return_too_large', 'order_not_returnable', 'idempotency_in_progress'],
    'more is returned than was sold of product 1',
  )
  takeBack(
    @Param('id', UuidId) id: string,
    @Body() dto: ReturnGoodsDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.fulfilment.takeBack(id, dto, claim);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'Cancel any order that has not been shipped' })
  @TakesIdempotencyKey()
  @Answers(200, OrderView, 'Cancelled, now or before.')
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(
    409,
    ['order_not_cancellable', 'idempotency_in_progress'],
    'an order that is shipped cannot be cancelled',
  )
  cancel(
    @Param('id', UuidId) id: string,
    @Body() dto: CancelOrderDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.cancellations.cancelAny(id, dto, claim);
  }

  @Post(':id/refund')
  @HttpCode(200)
  @TakesUuid()
  @ApiOperation({ summary: 'Give money back: an amount, or all that is left; no goods move' })
  @TakesIdempotencyKey()
  @Answers(200, RefundedOrderView, 'Given back, or refused by the provider: see `refund.status`.')
  @Answers(202, RefundedOrderView, 'The outcome is not known yet; it is being settled.')
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(409, ['refund_too_large', 'idempotency_in_progress'], 'nothing is left to refund', {
    requested: null,
    refundable: 0,
  })
  refund(
    @Param('id', UuidId) id: string,
    @Body() dto: RefundOrderDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.orderRefunds.refund(id, dto, claim);
  }

  @Get(':id/payments')
  @TakesUuid()
  @ApiOperation({ summary: 'The attempts to pay any order, oldest first' })
  @Answers(200, PaymentsView)
  @Refuses(404, 'not_found', 'order not found')
  payments(@Param('id', UuidId) id: string, @Query() query: PageQuery) {
    return this.orderPayments.list(id, query);
  }

  @Get(':id/refunds')
  @TakesUuid()
  @ApiOperation({ summary: "An order's refunds, oldest first" })
  @Answers(200, RefundsView)
  @Refuses(404, 'not_found', 'order not found')
  refunds(@Param('id', UuidId) id: string, @Query() query: PageQuery) {
    return this.orderRefunds.list(id, query);
  }
}
