import { applyDecorators } from '@nestjs/common';
import type { ApiPropertyOptions } from '@nestjs/swagger';
import { IsBoolean, ValidateBy } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { Composed, Trimmed } from '../platform/http/validation.js';
import { PRICE_MAX } from '../platform/money.js';

export const INTEGER_MAX = 2_147_483_647;
const IMAGE_URL_LENGTH_MAX = 2_000;

// What the members of a product may be, whether it is made or changed, one by one or many at once: stated here and nowhere else.

export const IsSku = () => applyDecorators(Composed(), Trimmed(), CleanText({ min: 1, max: 64 }));
export const IsName = () => applyDecorators(Composed(), Trimmed(), CleanText({ min: 1, max: 200 }));
export const IsDescription = () =>
  applyDecorators(Composed(), CleanText({ min: 0, max: 10_000, multiline: true }));
export const IsCategory = () => applyDecorators(Composed(), Trimmed(), CleanText({ min: 1, max: 100 }));
export const IsActive = () => IsBoolean({ message: 'active must be true or false' });

export const IsPrice = () =>
  ValidateBy({
    name: 'isPrice',
    validator: {
      validate: (value) => typeof value === 'number' && value > 0 && value <= PRICE_MAX,
      defaultMessage: () => `$property must be a number greater than 0 and at most ${PRICE_MAX}`,
    },
  });

export const IsPriceBound = () =>
  ValidateBy({
    name: 'isPriceBound',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0 && value <= PRICE_MAX,
      defaultMessage: () => `$property must be a number between 0 and ${PRICE_MAX}`,
    },
  });

export const IsWebAddress = () =>
  ValidateBy({
    name: 'isWebAddress',
    validator: {
      validate: isWebAddress,
      defaultMessage: () =>
        `$property must be an http or https address of at most ${IMAGE_URL_LENGTH_MAX} characters`,
    },
  });

// Printable ASCII only: the parser forgives white space and control characters, and what it forgives would be stored.
function isWebAddress(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > IMAGE_URL_LENGTH_MAX) return false;
  return /^https?:\/\/[\x21-\x7e]+$/i.test(value) && !/[<>"\\]/.test(value) && URL.canParse(value);
}

/** A bounded whole number, with a sentence that says the bounds. */
export const IsCount = () => {
  const validate = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= INTEGER_MAX;
  const defaultMessage = () => `$property must be a whole number between 0 and ${INTEGER_MAX}`;
  return ValidateBy({ name: 'isCount', validator: { validate, defaultMessage } });
};

export const IsId = () => {
  const validate = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= INTEGER_MAX;
  const defaultMessage = () => '$property must be a positive integer';
  return ValidateBy({ name: 'isId', validator: { validate, defaultMessage } });
};

/** Refused whatever it is: the ledger is the only way to stock. */
export const RefusedAsStock = () =>
  ValidateBy({
    name: 'refusedAsStock',
    validator: { validate: () => false, defaultMessage: () => 'stock changes only through inventory' },
  });

/** How each member is documented. */
export const DESCRIBED = {
  sku: { example: 'LAPTOP-002', minLength: 1, maxLength: 64 },
  name: { example: 'Laptop 16"', minLength: 1, maxLength: 200 },
  description: { example: 'A laptop with a larger screen.', maxLength: 10_000 },
  price: { type: 'number', example: 1499.99, maximum: PRICE_MAX, description: 'Greater than 0.' },
  category: { type: 'string', nullable: true, example: 'computers', maxLength: 100 },
  image_url: {
    type: 'string',
    nullable: true,
    format: 'uri',
    maxLength: IMAGE_URL_LENGTH_MAX,
    example: 'https://shop.example/laptop.jpg',
  },
  storefront_id: { type: 'integer', nullable: true, minimum: 1, maximum: INTEGER_MAX, example: 1 },
  low_stock_threshold: { type: 'integer', minimum: 0, maximum: INTEGER_MAX, example: 10 },
  active: { example: true, description: 'Inactive products are not shown and not sold.' },
  stock: { type: 'integer', minimum: 0, maximum: INTEGER_MAX, default: 0, example: 25 },
} satisfies Record<string, ApiPropertyOptions>;
