import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { PageQuery } from '../platform/http/page.js';
import { AsBoolean, AsNumber, IfGiven, Trimmed } from '../platform/http/validation.js';
import { PRICE_MAX } from '../platform/money.js';

const INTEGER_MAX = 2_147_483_647;
const IMAGE_URL_LENGTH_MAX = 2_000;
const SORTS = ['name', 'price', '-price', 'newest'] as const;

const IsPrice = () =>
  ValidateBy({
    name: 'isPrice',
    validator: {
      validate: (value) => typeof value === 'number' && value > 0 && value <= PRICE_MAX,
      defaultMessage: () => `$property must be a number greater than 0 and at most ${PRICE_MAX}`,
    },
  });

const IsPriceBound = () =>
  ValidateBy({
    name: 'isPriceBound',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0 && value <= PRICE_MAX,
      defaultMessage: () => `$property must be a number between 0 and ${PRICE_MAX}`,
    },
  });

const IsWebAddress = () =>
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
const IsCount = () => {
  const validate = (value: unknown) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= INTEGER_MAX;
  const defaultMessage = () => `$property must be a whole number between 0 and ${INTEGER_MAX}`;
  return ValidateBy({ name: 'isCount', validator: { validate, defaultMessage } });
};

/** Refused whatever it is: the ledger is the only way to stock. */
const RefusedAsStock = () =>
  ValidateBy({
    name: 'refusedAsStock',
    validator: { validate: () => false, defaultMessage: () => 'stock changes only through inventory' },
  });

export class ProductListQuery extends PageQuery {
  @ApiPropertyOptional({ example: 'computers' })
  @IsOptional()
  @CleanText({ min: 1, max: 100 })
  category?: string;

  @ApiPropertyOptional({ type: 'number', minimum: 0, example: 10 })
  @IsOptional()
  @AsNumber()
  @IsPriceBound()
  min_price?: number;

  @ApiPropertyOptional({ type: 'number', minimum: 0, example: 1500 })
  @IsOptional()
  @AsNumber()
  @IsPriceBound()
  max_price?: number;

  @ApiPropertyOptional({ description: '`true`: only what is in stock; `false`: only what is not.' })
  @IsOptional()
  @AsBoolean()
  @IsBoolean({ message: 'in_stock must be true or false' })
  in_stock?: boolean;

  @ApiPropertyOptional({ enum: SORTS, description: 'By id when not given.' })
  @IsOptional()
  @IsIn(SORTS, { message: `sort must be one of ${SORTS.join(', ')}` })
  sort?: (typeof SORTS)[number];
}

export class CreateProduct {
  @ApiProperty({ example: 'LAPTOP-002', minLength: 1, maxLength: 64 })
  @Trimmed()
  @CleanText({ min: 1, max: 64 })
  sku!: string;

  @ApiProperty({ example: 'Laptop 16"', minLength: 1, maxLength: 200 })
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  name!: string;

  @ApiPropertyOptional({ example: 'A laptop with a larger screen.', maxLength: 10_000, default: '' })
  @IfGiven()
  @CleanText({ min: 0, max: 10_000, multiline: true })
  description: string = '';

  @ApiProperty({ type: 'number', example: 1499.99, maximum: PRICE_MAX, description: 'Greater than 0.' })
  @IsPrice()
  price!: number;

  @ApiPropertyOptional({ type: 'string', nullable: true, example: 'computers', maxLength: 100 })
  @IsOptional()
  @Trimmed()
  @CleanText({ min: 1, max: 100 })
  category?: string | null;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    format: 'uri',
    maxLength: IMAGE_URL_LENGTH_MAX,
    example: 'https://shop.example/laptop.jpg',
  })
  @IsOptional()
  @IsWebAddress()
  image_url?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: INTEGER_MAX, default: 0, example: 10 })
  @IfGiven()
  @IsCount()
  low_stock_threshold: number = 0;

  @ApiPropertyOptional({ default: true, description: 'Inactive products are not shown and not sold.' })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active: boolean = true;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: INTEGER_MAX, default: 0, example: 25 })
  @IfGiven()
  @IsCount()
  stock: number = 0;
}

export class ChangeProduct {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    example: 3,
    description: 'The version that you have read.',
  })
  @IfGiven()
  @IsInt({ message: 'version must be a positive integer' })
  @Min(1, { message: 'version must be a positive integer' })
  @Max(INTEGER_MAX, { message: 'version must be a positive integer' })
  version?: number;

  @ApiPropertyOptional({ example: 'LAPTOP-002', minLength: 1, maxLength: 64 })
  @IfGiven()
  @Trimmed()
  @CleanText({ min: 1, max: 64 })
  sku?: string;

  @ApiPropertyOptional({ example: 'Laptop 16"', minLength: 1, maxLength: 200 })
  @IfGiven()
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  name?: string;

  @ApiPropertyOptional({ example: 'A laptop with a larger screen.', maxLength: 10_000 })
  @IfGiven()
  @CleanText({ min: 0, max: 10_000, multiline: true })
  description?: string;

  @ApiPropertyOptional({
    type: 'number',
    example: 1399.99,
    maximum: PRICE_MAX,
    description: 'Greater than 0.',
  })
  @IfGiven()
  @IsPrice()
  price?: number;

  @ApiPropertyOptional({ type: 'string', nullable: true, example: 'computers', maxLength: 100 })
  @IsOptional()
  @Trimmed()
  @CleanText({ min: 1, max: 100 })
  category?: string | null;

  @ApiPropertyOptional({ type: 'string', nullable: true, format: 'uri', maxLength: IMAGE_URL_LENGTH_MAX })
  @IsOptional()
  @IsWebAddress()
  image_url?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: INTEGER_MAX, example: 10 })
  @IfGiven()
  @IsCount()
  low_stock_threshold?: number;

  @ApiPropertyOptional({ example: false })
  @IfGiven()
  @IsBoolean({ message: 'active must be true or false' })
  active?: boolean;

  @IfGiven()
  @RefusedAsStock()
  stock?: never;
}

export class ProductView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'LAPTOP-001' }) sku!: string;
  @ApiProperty({ example: 'Laptop' }) name!: string;
  @ApiProperty({ example: 'A light 14-inch laptop with a long battery life.' }) description!: string;
  @ApiProperty({ type: 'number', example: 1299.99 }) price!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ type: 'string', nullable: true, example: null }) image_url!: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'computers' }) category!: string | null;
  @ApiProperty({ type: 'integer', nullable: true, example: null }) storefront_id!: number | null;
  @ApiProperty({ type: 'integer', nullable: true, example: null }) parent_id!: number | null;
  @ApiProperty({ type: 'integer', example: 100, description: 'What can be sold now.' }) stock!: number;
  @ApiProperty({ example: true }) in_stock!: boolean;
  @ApiPropertyOptional({ type: 'integer', example: 10, description: 'Only for admins.' })
  low_stock_threshold?: number;
  @ApiProperty({ example: true }) active!: boolean;
  @ApiProperty({ type: 'integer', example: 1, description: 'Goes up with every change but those of stock.' })
  version!: number;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  created_at!: Date;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  updated_at!: Date;
}

export class ProductListView {
  @ApiProperty({ type: [ProductView] }) products!: ProductView[];
  @ApiProperty({ type: 'string', nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', example: 5, description: 'Only with `count=true`.' })
  total?: number;
}
