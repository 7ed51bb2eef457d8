import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import type { Keyset } from './page.js';

/** An order in which a list is read: its columns and their types, the last of them unique, all upwards or all downwards. */
export interface ListOrder {
  columns: Record<string, 'bigint' | 'text' | 'uuid'>;
  descending: boolean;
}

/** The sorts of a list of what has happened. */
export const AGE_SORTS = ['newest', 'oldest'] as const;
export type AgeSort = (typeof AGE_SORTS)[number];

/** Puts a value aside and answers the placeholder that stands for it. */
export type Bind = (value: unknown) => string;

/** Says, and documents, which sorts a list takes. The first of them is the one of a list that is not asked for any. */
export const TakesSort = (sorts: readonly [string, ...string[]], description?: string) =>
  applyDecorators(
    ApiPropertyOptional({ enum: sorts, default: sorts[0], description }),
    IsOptional(),
    IsIn(sorts, { message: `sort must be one of ${sorts.join(', ')}` }),
  );

/** SQL: what stands behind `ORDER BY`. */
export function orderBy({ columns, descending }: ListOrder): string {
  return Object.keys(columns)
    .map((column) => (descending ? `${column} DESC` : column))
    .join(', ');
}

/** SQL: the rows that come after `place` in the order. */
export function beyond({ columns, descending }: ListOrder, place: Keyset, bind: Bind): string {
  const values = Object.values(columns).map((type, index) => `${bind(place[index])}::${type}`);
  return `(${Object.keys(columns).join(', ')}) ${descending ? '<' : '>'} (${values.join(', ')})`;
}
