import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsObject, ValidateNested } from 'class-validator';

export interface ListBounds {
  /** Most entries; there is always one at least. */
  max: number;
}

/** The member is a list within its bounds, of whatever: its entries are judged elsewhere, one by one. */
export const IsList = ({ max }: ListBounds): PropertyDecorator =>
  applyDecorators(
    IsArray({ message: '$property must be a list' }),
    ArrayMinSize(1, { message: '$property must not be empty' }),
    ArrayMaxSize(max, { message: `$property must have at most ${max} entries` }),
  ) as PropertyDecorator;

/** The member is a list within its bounds, and each of its entries is an object with the members that `entry` names. */
export const IsListOf = (entry: () => new () => object, bounds: ListBounds): PropertyDecorator => {
  const message = 'each item must be an object';
  return applyDecorators(
    IsList(bounds),
    // `ValidateNested` also goes into a list among the entries: an empty one would pass as an item without members.
    IsObject({ each: true, message }),
    ValidateNested({ each: true, message }),
    Type(entry),
  ) as PropertyDecorator;
};
