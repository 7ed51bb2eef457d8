import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey, TakesUuid } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { IntegerId, UuidId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { ChangeEndpointDto, CreateEndpointDto, DeliveriesQuery } from '../webhook/webhook.dto.js';
import {
  DeliveryPageView,
  DeliveryView,
  EndpointPageView,
  EndpointView,
  NewEndpointView,
} from '../webhook/webhook.view.js';
import { WebhookDeliveryService } from '../webhook/webhook-delivery.service.js';
import { WebhookEndpointService } from '../webhook/webhook-endpoint.service.js';

const NOT_PUBLIC = 'url: 127.0.0.1 is not a public address';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin')
export class AdminWebhooksController {
  constructor(
    private readonly endpoints: WebhookEndpointService,
    private readonly deliveries: WebhookDeliveryService,
  ) {}

  @Post('webhook-endpoints')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Have events sent to an address',
    description:
      'Each event is posted as `{type, timestamp, data}`, signed as Standard Webhooks says; `webhook-id` is its id, so that a receiver can tell a repeat. The secret is shown in this answer and, but for its repeat, never again.',
  })
  @TakesIdempotencyKey()
  @Answers(201, NewEndpointView, 'Added.')
  @Refuses(400, 'validation_failed', NOT_PUBLIC, { errors: [{ field: 'url', message: NOT_PUBLIC }] })
  @Refuses(
    409,
    ['idempotency_in_progress', 'idempotency_answer_lost'],
    'a request with this idempotency key is still in progress',
  )
  create(@Body() dto: CreateEndpointDto, @IdempotencyClaim() claim: Claim | null) {
    return this.endpoints.create(dto, claim);
  }

  @Get('webhook-endpoints')
  @ApiOperation({ summary: 'The webhook endpoints, newest first' })
  @Answers(200, EndpointPageView)
  list(@Query() query: PageQuery) {
    return this.endpoints.list(query);
  }

  @Get('webhook-endpoints/:id')
  @TakesId()
  @ApiOperation({ summary: 'A webhook endpoint, without its secret' })
  @Answers(200, EndpointView)
  @Refuses(404, 'not_found', 'webhook endpoint not found')
  get(@Param('id', IntegerId) id: number) {
    return this.endpoints.get(id);
  }

  @Patch('webhook-endpoints/:id')
  @TakesId()
  @ApiOperation({ summary: 'Change a webhook endpoint' })
  @Answers(200, EndpointView)
  @Refuses(404, 'not_found', 'webhook endpoint not found')
  change(@Param('id', IntegerId) id: number, @Body() dto: ChangeEndpointDto) {
    return this.endpoints.change(id, dto);
  }

  @Delete('webhook-endpoints/:id')
  @TakesId()
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a webhook endpoint with its deliveries' })
  @ApiNoContentResponse({ description: 'Removed.' })
  @Refuses(404, 'not_found', 'webhook endpoint not found')
  async remove(@Param('id', IntegerId) id: number) {
    await this.endpoints.remove(id);
  }

  @Get('webhook-endpoints/:id/deliveries')
  @TakesId()
  @ApiOperation({ summary: 'What was sent to an endpoint, newest first' })
  @Answers(200, DeliveryPageView)
  @Refuses(404, 'not_found', 'webhook endpoint not found')
  listDeliveries(@Param('id', IntegerId) id: number, @Query() query: DeliveriesQuery) {
    return this.deliveries.list(id, query);
  }

  @Post('webhook-deliveries/:id/resend')
  @TakesUuid()
  @HttpCode(202)
  @ApiOperation({ summary: 'Send the very same again, whatever has become of it' })
  @TakesIdempotencyKey()
  @Answers(202, DeliveryView, 'On its way.')
  @Refuses(404, 'not_found', 'webhook delivery not found')
  @Refuses(
    409,
    ['webhook_endpoint_inactive', 'idempotency_in_progress'],
    'the webhook endpoint is switched off',
  )
  resend(@Param('id', UuidId) id: string, @IdempotencyClaim() claim: Claim | null) {
    return this.deliveries.resend(id, claim);
  }
}
