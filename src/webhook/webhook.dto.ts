import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  ValidateBy,
} from 'class-validator';
import { Webhook } from 'standardwebhooks';
import { EVENT_TYPES } from '../event/event.types.js';
import { PageQuery } from '../platform/http/page.js';
import { IfGiven } from '../platform/http/validation.js';
import { DELIVERY_STATUSES, type DeliveryStatus, type Subscription } from './webhook.types.js';

const SUBSCRIPTIONS: Subscription[] = ['*', ...EVENT_TYPES];
const URL_LENGTH_MAX = 2_000;
const SECRET_LENGTH_MAX = 500;
const UNKNOWN_EVENT = { message: 'events must be a list of known types of events, or of *' };

const IsEndpointUrl = () =>
  ValidateBy({
    name: 'isEndpointUrl',
    validator: {
      validate: isEndpointUrl,
      defaultMessage: () =>
        `$property must be an http or https address of at most ${URL_LENGTH_MAX} characters, without a user or password`,
    },
  });

// Printable ASCII only: the parser forgives white space and control characters, and what it forgives would be stored.
function isEndpointUrl(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > URL_LENGTH_MAX) return false;
  if (!/^https?:\/\/[\x21-\x7e]+$/.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '';
}

const IsWebhookSecret = () =>
  ValidateBy({
    name: 'isWebhookSecret',
    validator: {
      validate: isWebhookSecret,
      defaultMessage: () =>
        `$property must be whsec_ and base64, with or without the whsec_, of at most ${SECRET_LENGTH_MAX} characters`,
    },
  });

// What the library takes, it signs with: ours and the receiver's are the same.
function isWebhookSecret(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > SECRET_LENGTH_MAX) return false;
  try {
    return new Webhook(value) instanceof Webhook;
  } catch {
    return false;
  }
}

// One after the other, as they stand here; only the first fault of a member is told.
const AreSubscriptions = () =>
  applyDecorators(
    IsArray(UNKNOWN_EVENT),
    ArrayNotEmpty({ message: 'events must not be empty' }),
    IsIn(SUBSCRIPTIONS, { ...UNKNOWN_EVENT, each: true }),
    ArrayUnique({ message: 'events must not name one twice' }),
  );

const EventsProperty = {
  enum: SUBSCRIPTIONS,
  isArray: true,
  minItems: 1,
  uniqueItems: true,
  example: ['order.paid', 'stock.changed'],
  description: 'Types of events, or `*` for all, also those that there will be.',
};
const UrlProperty = {
  example: 'https://erp.example/hooks',
  format: 'uri',
  maxLength: URL_LENGTH_MAX,
  description:
    'In production it must not lead to a private, loopback or otherwise special address, unless the service is told to allow it.',
};
const SecretProperty = {
  example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
  description:
    'As Standard Webhooks has it: `whsec_` and base64, best of 24 to 64 random bytes. Left out, one is made.',
};

export class CreateEndpointDto {
  @ApiProperty(UrlProperty)
  @IsEndpointUrl()
  url!: string;

  @ApiProperty(EventsProperty)
  @AreSubscriptions()
  events!: Subscription[];

  @ApiPropertyOptional(SecretProperty)
  @IfGiven()
  @IsWebhookSecret()
  secret?: string;

  @ApiPropertyOptional({ default: true })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active: boolean = true;
}

export class ChangeEndpointDto {
  @ApiPropertyOptional(UrlProperty)
  @IfGiven()
  @IsEndpointUrl()
  url?: string;

  @ApiPropertyOptional(EventsProperty)
  @IfGiven()
  @AreSubscriptions()
  events?: Subscription[];

  @ApiPropertyOptional({ ...SecretProperty, description: 'From now on deliveries are signed with this one.' })
  @IfGiven()
  @IsWebhookSecret()
  secret?: string;

  @ApiPropertyOptional({
    description: 'Nothing is sent to an endpoint that is switched off, and nothing later.',
  })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active?: boolean;
}

export class DeliveriesQuery extends PageQuery {
  @ApiPropertyOptional({ enum: DELIVERY_STATUSES })
  @IsOptional()
  @IsIn(DELIVERY_STATUSES, { message: `status must be one of ${DELIVERY_STATUSES.join(', ')}` })
  status?: DeliveryStatus;
}
