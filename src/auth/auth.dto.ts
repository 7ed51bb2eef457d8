import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsEmail, Matches, MaxLength } from 'class-validator';
import type { Role } from '../platform/http/caller.js';
import { CleanText } from '../platform/http/clean-text.js';
import { Trimmed } from '../platform/http/validation.js';
import { PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN } from './password.js';

const EMAIL_LENGTH_MAX = 254;
const NAME_LENGTH_MAX = 200;
const EMAIL = { message: 'email must be an email address' };

/** An e-mail as it is stored: `Ada@Shop.example` and `ada@shop.example` are one. */
export const plainEmail = (email: string) => email.trim().toLowerCase();

// Visible ASCII, like a browser's e-mail field: an address that needs more is written with its domain in punycode. It also
// keeps our lower case and the database's the same.
const Email = () =>
  applyDecorators(
    ApiProperty({ example: 'ada@shop.example', format: 'email', maxLength: EMAIL_LENGTH_MAX }),
    Transform(({ value }) => (typeof value === 'string' ? plainEmail(value) : value)),
    // First: IsEmail throws at half a surrogate pair.
    Matches(/^[\x21-\x7e]+$/, EMAIL),
    IsEmail({}, EMAIL),
    MaxLength(EMAIL_LENGTH_MAX, EMAIL),
  );

export class Registration {
  @Email()
  email!: string;

  @ApiProperty({
    example: 'correct horse battery',
    minLength: PASSWORD_LENGTH_MIN,
    maxLength: PASSWORD_LENGTH_MAX,
    description: 'Neither the email nor one of the most common passwords.',
  })
  @CleanText({ min: PASSWORD_LENGTH_MIN, max: PASSWORD_LENGTH_MAX })
  password!: string;

  @ApiProperty({ example: 'Ada Lovelace', minLength: 1, maxLength: NAME_LENGTH_MAX })
  @Trimmed()
  @CleanText({ min: 1, max: NAME_LENGTH_MAX })
  name!: string;
}

export class Credentials {
  @Email()
  email!: string;

  // Wider than for new passwords: what was set once, by whatever rule, must be accepted for ever.
  @ApiProperty({ example: 'correct horse battery', minLength: 1, maxLength: 1_000 })
  @CleanText({ min: 1, max: 1_000 })
  password!: string;
}

export class RefreshTokenDto {
  @ApiProperty({ example: '9Xb0cVw1k3y8mUj2cP7dQe5rTt6sLh4aKf0nGzVxBpE', minLength: 1, maxLength: 200 })
  @CleanText({ min: 1, max: 200 })
  refresh_token!: string;
}

export class UserView {
  @ApiProperty({ type: 'integer', example: 7 }) id!: number;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'ada@shop.example',
    description: 'null for a guest.',
  })
  email!: string | null;
  @ApiProperty({ example: 'Ada Lovelace', description: 'Empty for a guest.' }) name!: string;
  @ApiProperty({ enum: ['guest', 'customer', 'admin'], example: 'customer' }) role!: Role;
  @ApiProperty({ type: 'integer', minimum: 0, example: 0 }) points!: number;
}

export class SessionView {
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl' }) access_token!: string;
  @ApiProperty({
    example: '9Xb0cVw1k3y8mUj2cP7dQe5rTt6sLh4aKf0nGzVxBpE',
    description: 'For one use. Using it a second time ends every session that came from the same login.',
  })
  refresh_token!: string;
  @ApiProperty({ type: 'integer', example: 900, description: 'Seconds for which the access token is good.' })
  expires_in!: number;
  @ApiProperty({ type: UserView }) user!: UserView;
}
