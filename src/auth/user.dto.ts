import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import type { Role } from '../platform/http/caller.js';
import { CleanText } from '../platform/http/clean-text.js';
import { TakesSort } from '../platform/http/list-order.js';
import { PageQuery } from '../platform/http/page.js';
import { Trimmed } from '../platform/http/validation.js';
import { USER_SORTS, type UserSort } from './auth.types.js';

const ROLES = ['guest', 'customer', 'admin'] as const;
const GIVEN_ROLES = ['customer', 'admin'] as const;

export class UsersQuery extends PageQuery {
  @ApiPropertyOptional({
    example: 'ada@',
    minLength: 1,
    maxLength: 254,
    description: 'A part of the email or of the name.',
  })
  @IsOptional()
  @Trimmed()
  @CleanText({ min: 1, max: 254 })
  q?: string;

  @ApiPropertyOptional({ enum: ROLES })
  @IsOptional()
  @IsIn(ROLES, { message: `role must be one of ${ROLES.join(', ')}` })
  role?: Role;

  @TakesSort(USER_SORTS, 'By email and by name, guests come last.')
  sort: UserSort = 'newest';
}

export class ChangeUserDto {
  @ApiProperty({ enum: GIVEN_ROLES, example: 'admin' })
  @IsIn(GIVEN_ROLES, { message: `role must be one of ${GIVEN_ROLES.join(', ')}` })
  role!: (typeof GIVEN_ROLES)[number];
}

export class ListedUserView {
  @ApiProperty({ type: 'integer', example: 7 }) id!: number;
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'ada@shop.example',
    description: 'null for a guest.',
  })
  email!: string | null;
  @ApiProperty({ example: 'Ada Lovelace' }) name!: string;
  @ApiProperty({ enum: ROLES, example: 'customer' }) role!: Role;
  @ApiProperty({ type: 'integer', example: 1299 }) points!: number;
  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-21T10:40:00.000Z' }) created_at!: Date;
  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-21T10:40:00.000Z' }) updated_at!: Date;
}

export class UserPageView {
  @ApiProperty({ type: [ListedUserView] }) users!: ListedUserView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ type: 'integer', required: false, description: 'Only with `count=true`.' }) total?: number;
}
