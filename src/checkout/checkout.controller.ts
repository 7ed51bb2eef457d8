import {
  Body,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  Get,
  Param,
  Post,
  Query,
} from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { PaymentsView, PaymentView } from '../payment/payment.view.js';
import { ValidationFailed } from '../platform/errors.js';
import { type Caller, type CallerRequest, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { UuidId } from '../platform/http/validation.js';
import { type Claim, claimOf, IdempotencyClaim, idempotencyKeyOf } from '../platform/idempotency/claim.js';
import { CheckoutDto, CheckoutView, PayOrderDto } from './checkout.dto.js';
import { CheckoutService } from './checkout.service.js';
import { OrderPaymentService } from './order-payment.service.js';

const KEY_REQUIRED = 'idempotency_key is required';

/** A checkout's claim: the key may stand in the header or in the body, and there must be one. */
const CheckoutClaim = createParamDecorator((_: unknown, context: ExecutionContext): Claim => {
  const request = context.switchToHttp().getRequest<CallerRequest>();
  const { idempotency_key: inBody, ...body } = (request.body ?? {}) as Record<string, unknown>;
  const inHeader = idempotencyKeyOf(request);
  const key = inHeader ?? inBody ?? '';
  if (key === '') throw ValidationFailed.of('idempotency_key', KEY_REQUIRED);
  if (inHeader !== undefined && (inBody ?? inHeader) !== inHeader) {
    throw ValidationFailed.of('idempotency_key', 'idempotency_key and Idempotency-Key must be the same');
  }
  // The key is not part of what is asked for, so a repeat may carry it in the other place.
  return claimOf(request, String(key), body);
});

@ApiTags('checkout')
@RateLimit('orders')
@ApiBearerAuth('access_token')
@Controller()
export class CheckoutController {
  constructor(
    private readonly checkouts: CheckoutService,
    private readonly orderPayments: OrderPaymentService,
  ) {}

  @Post('checkout')
  @ApiOperation({ summary: 'Buy your cart: place, charge, settle' })
  @TakesIdempotencyKey()
  @Answers(
    200,
    CheckoutView,
    '`COMPLETED`, or `FAILED` when the payment was declined: the cart is kept then.',
  )
  @Answers(202, CheckoutView, '`PENDING`: a redirect is needed, or the outcome is being settled.')
  @Refuses(
    400,
    ['validation_failed', 'cart_empty', 'discount_invalid', 'points_insufficient'],
    KEY_REQUIRED,
    { errors: [{ field: 'idempotency_key', message: KEY_REQUIRED }] },
  )
  @Refuses(
    409,
    [
      'insufficient_stock',
      'price_changed',
      'product_unavailable',
      'checkout_in_progress',
      'idempotency_in_progress',
    ],
    'insufficient stock for product 1',
  )
  checkout(@CurrentUser() caller: Caller, @Body() dto: CheckoutDto, @CheckoutClaim() claim: Claim) {
    return this.checkouts.checkout(caller, dto, claim);
  }

  @Get('checkout/:id')
  @TakesUuid()
  @ApiOperation({ summary: 'How one of your checkouts stands' })
  @Answers(200, CheckoutView)
  @Refuses(404, 'not_found', 'order not found')
  get(@CurrentUser() caller: Caller, @Param('id', UuidId) id: string) {
    return this.checkouts.getOwn(caller, id);
  }

  @Post('orders/:id/payments')
  @TakesUuid()
  @ApiTags('payments')
  @ApiOperation({ summary: 'Pay an order' })
  @TakesIdempotencyKey()
  @Answers(200, PaymentView, 'One is live or done already: this one.')
  @Answers(201, PaymentView, 'Paid, or declined: see `status`.')
  @Answers(202, PaymentView, 'A redirect is needed, or the outcome is not known yet.')
  @Refuses(404, 'not_found', 'order not found')
  @Refuses(409, ['order_not_payable', 'idempotency_in_progress'], 'an order that is cancelled cannot be paid')
  pay(
    @CurrentUser() caller: Caller,
    @Param('id', UuidId) id: string,
    @Body() dto: PayOrderDto,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.orderPayments.pay(caller, id, dto, claim);
  }

  @Get('orders/:id/payments')
  @TakesUuid()
  @ApiTags('payments')
  @ApiOperation({ summary: 'The attempts to pay an order, oldest first' })
  @Answers(200, PaymentsView)
  @Refuses(404, 'not_found', 'order not found')
  payments(@CurrentUser() caller: Caller, @Param('id', UuidId) id: string, @Query() query: PageQuery) {
    return this.orderPayments.listOwn(caller, id, query);
  }
}
