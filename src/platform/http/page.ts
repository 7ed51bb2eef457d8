import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { ValidationFailed } from '../errors.js';
import { AsBoolean, AsNumber } from './validation.js';

export const PAGE_LIMIT_DEFAULT = 20;
export const PAGE_LIMIT_MAX = 100;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What every list takes. */
export class PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: PAGE_LIMIT_MAX, default: PAGE_LIMIT_DEFAULT })
  @IsOptional()
  @AsNumber()
  @IsInt({ message: 'limit must be between 1 and 100' })
  @Min(1, { message: 'limit must be between 1 and 100' })
  @Max(PAGE_LIMIT_MAX, { message: 'limit must be between 1 and 100' })
  limit: number = PAGE_LIMIT_DEFAULT;

  @ApiPropertyOptional({ description: 'The `next_cursor` of the page before.' })
  @IsOptional()
  @IsString({ message: 'cursor must be a text' })
  @MaxLength(1_000, { message: 'cursor is not one of ours' })
  cursor?: string;

  @ApiPropertyOptional({ description: 'Adds `total` to the answer.', default: false })
  @IsOptional()
  @AsBoolean()
  @IsBoolean({ message: 'count must be true or false' })
  count?: boolean;
}

export interface Page<T> {
  rows: T[];
  next_cursor: string | null;
  total?: number;
}

/** The place of a row in a keyset order: the values it is sorted by, the last of them unique. */
export type Keyset = (string | number)[];

/** What one value of a keyset can be. */
export type KeysetKind = 'string' | 'number' | 'uuid';

/** An opaque cursor that stands for a place in one particular order. */
export function encodeCursor(order: string, keyset: Keyset): string {
  return Buffer.from(JSON.stringify([order, ...keyset])).toString('base64url');
}

/**
 * The place that a cursor stands for, or null for the start.
 * @throws ValidationFailed for a cursor that is not ours or belongs to another order.
 */
export function decodeCursor(order: string, kinds: KeysetKind[], cursor: string | undefined): Keyset | null {
  if (cursor === undefined) return null;
  const refuse = () => ValidationFailed.of('cursor', 'cursor is not one of ours');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw refuse();
  }
  if (!Array.isArray(parsed) || parsed[0] !== order || parsed.length !== kinds.length + 1) throw refuse();
  const keyset = parsed.slice(1) as Keyset;
  if (!keyset.every((value, index) => isSane(value, kinds[index]))) throw refuse();
  return keyset;
}

/** `decodeCursor` for an order by nothing but a UUID. */
export function decodeUuidCursor(order: string, cursor: string | undefined): string | null {
  const keyset = decodeCursor(order, ['uuid'], cursor);
  return keyset && String(keyset[0]);
}

function isSane(value: unknown, kind: KeysetKind | undefined): boolean {
  if (typeof value === 'number') return kind === 'number' && Number.isSafeInteger(value);
  if (typeof value !== 'string') return false;
  return kind === 'uuid' ? UUID.test(value) : kind === 'string' && !value.includes('\0');
}

/** Cuts a page out of `limit + 1` rows: the extra one only tells that there is more. */
export function pageOf<Row, View>(
  rows: Row[],
  query: PageQuery,
  view: (row: Row) => View,
  cursorOf: (row: Row) => string,
): Page<View> {
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(view),
    next_cursor: rows.length > query.limit && last !== undefined ? cursorOf(last) : null,
  };
}
