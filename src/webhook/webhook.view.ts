import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { EVENT_TYPES } from '../event/event.types.js';
import {
  DELIVERY_STATUSES,
  type Delivery,
  type DeliveryStatus,
  type Endpoint,
  type Subscription,
} from './webhook.types.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';
const TIME = { type: String, format: 'date-time', example: EXAMPLE_TIME } as const;

export class EndpointView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'https://erp.example/hooks' }) url!: string;
  @ApiProperty({ enum: ['*', ...EVENT_TYPES], isArray: true, example: ['order.paid'] })
  events!: Subscription[];
  @ApiProperty({ example: true }) active!: boolean;
  @ApiProperty(TIME) created_at!: string;
  @ApiProperty(TIME) updated_at!: string;
}

export class NewEndpointView extends EndpointView {
  @ApiProperty({
    example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    description:
      'Shown this once, and to a repeat with the same `Idempotency-Key`. Deliveries are signed with it, as Standard Webhooks says.',
  })
  secret!: string;
}

export class EndpointPageView {
  @ApiProperty({ type: [EndpointView] }) webhook_endpoints!: EndpointView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

/** One event on its way to one endpoint. */
export class DeliveryView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ type: 'integer', example: 1 }) endpoint_id!: number;
  @ApiProperty({
    format: 'uuid',
    example: EXAMPLE_ID,
    description: 'What the receiver sees as `webhook-id`.',
  })
  event_id!: string;
  @ApiProperty({ enum: EVENT_TYPES, example: 'order.paid' }) type!: string;
  @ApiProperty({ enum: DELIVERY_STATUSES, example: 'delivered' }) status!: DeliveryStatus;
  @ApiProperty({ type: 'integer', minimum: 0, example: 1 }) attempts!: number;
  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 200,
    description: 'Of the newest attempt; null when it had no answer.',
  })
  response_status!: number | null;
  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'What the newest attempt ended with.',
  })
  error!: string | null;
  @ApiProperty(TIME) created_at!: string;
  @ApiProperty({ ...TIME, nullable: true }) attempted_at!: string | null;
  @ApiProperty({ ...TIME, nullable: true }) delivered_at!: string | null;
}

export class DeliveryPageView {
  @ApiProperty({ type: [DeliveryView] }) deliveries!: DeliveryView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', description: 'Only with `count=true`.' }) total?: number;
}

export function viewOfEndpoint({ created_at, updated_at, ...endpoint }: Endpoint): EndpointView {
  return { ...endpoint, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}

export function viewOfDelivery({
  created_at,
  attempted_at,
  delivered_at,
  ...delivery
}: Delivery): DeliveryView {
  return {
    ...delivery,
    created_at: created_at.toISOString(),
    attempted_at: attempted_at?.toISOString() ?? null,
    delivered_at: delivered_at?.toISOString() ?? null,
  };
}
