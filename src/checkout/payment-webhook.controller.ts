import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Answers, Refuses } from '../platform/http/docs.js';
import { Public } from '../platform/http/public.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { RawBody, rawBodyOf } from '../platform/http/raw-body.js';
import { ReceivedView } from './checkout.dto.js';
import { PaymentWebhookService } from './payment-webhook.service.js';

const YOOKASSA = {
  type: 'notification',
  event: 'payment.succeeded',
  object: { id: '2f8a9c1e-000f-5000-8000-1d5b7a3c9e10', status: 'succeeded' },
};
const STRIPE = {
  id: 'evt_1S2b3C4d5E6f',
  object: 'event',
  type: 'payment_intent.succeeded',
  data: { object: { id: 'pi_1S2b3C4d5E6f', object: 'payment_intent', status: 'succeeded' } },
};

@ApiTags('payments')
@Public()
@RateLimit('notifications')
@Controller('payments/webhooks')
export class PaymentWebhookController {
  constructor(private readonly webhooks: PaymentWebhookService) {}

  @Post('yookassa')
  @HttpCode(200)
  @RawBody()
  @ApiOperation({ summary: 'For YooKassa: something happened to a payment. It is read back, never believed' })
  @ApiBody({ schema: { type: 'object', additionalProperties: true, example: YOOKASSA } })
  @Answers(200, ReceivedView, 'Taken, now or before, or of no concern to us.')
  @Refuses(400, 'notification_refused', 'the notification cannot be read')
  @Refuses(503, 'provider_unavailable', 'the payment provider did not answer; tell again')
  async yookassa(@Req() request: FastifyRequest): Promise<ReceivedView> {
    await this.webhooks.receive('yookassa', rawBodyOf(request), request.headers);
    return { received: true };
  }

  @Post('stripe')
  @HttpCode(200)
  @RawBody()
  @ApiOperation({
    summary: 'For Stripe: something happened to a payment. Its signature and its age are checked first',
  })
  @ApiBody({ schema: { type: 'object', additionalProperties: true, example: STRIPE } })
  @Answers(200, ReceivedView, 'Taken, now or before, or of no concern to us.')
  @Refuses(400, 'notification_refused', 'the signature is not right')
  @Refuses(503, 'provider_unavailable', 'the payment provider did not answer; tell again')
  async stripe(@Req() request: FastifyRequest): Promise<ReceivedView> {
    await this.webhooks.receive('stripe', rawBodyOf(request), request.headers);
    return { received: true };
  }
}
