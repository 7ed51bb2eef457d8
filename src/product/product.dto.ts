import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsInt, IsOptional, Max, Min } from 'class-validator';
import { CleanText } from '../platform/http/clean-text.js';
import { PageQuery } from '../platform/http/page.js';
import { AsBoolean, AsNumber, Composed, IfGiven, Trimmed } from '../platform/http/validation.js';
import {
  DESCRIBED,
  INTEGER_MAX,
  IsActive,
  IsCategory,
  IsCount,
  IsDescription,
  IsId,
  IsName,
  IsPrice,
  IsPriceBound,
  IsSku,
  IsWebAddress,
  RefusedAsStock,
} from './product.rules.js';

const SORTS = ['name', 'price', '-price', 'newest'] as const;
const OF_VARIANTS = 'A product that has variants passes with the price of any of them.';

export class ProductListQuery extends PageQuery {
  @ApiPropertyOptional({
    example: 'wireless mou',
    minLength: 1,
    maxLength: 200,
    description:
      'Words to be found in name, sku or description, of the product or of a variant; the last one may be unfinished. `"two words"` as they stand, `or`, and `-without`. When nothing has them, names that look alike.',
  })
  @IsOptional()
  @Composed()
  @Trimmed()
  @CleanText({ min: 1, max: 200 })
  q?: string;

  @ApiPropertyOptional({ example: 'computers' })
  @IsOptional()
  @Composed()
  @CleanText({ min: 1, max: 100 })
  category?: string;

  @ApiPropertyOptional({ type: 'number', minimum: 0, example: 10, description: OF_VARIANTS })
  @IsOptional()
  @AsNumber()
  @IsPriceBound()
  min_price?: number;

  @ApiPropertyOptional({ type: 'number', minimum: 0, example: 1500, description: OF_VARIANTS })
  @IsOptional()
  @AsNumber()
  @IsPriceBound()
  max_price?: number;

  @ApiPropertyOptional({ description: '`true`: only what is in stock; `false`: only what is not.' })
  @IsOptional()
  @AsBoolean()
  @IsBoolean({ message: 'in_stock must be true or false' })
  in_stock?: boolean;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: INTEGER_MAX, example: 1 })
  @IsOptional()
  @AsNumber()
  @IsId()
  storefront_id?: number;

  @ApiPropertyOptional({
    description: 'Only for admins. `true`: only what is shown to everybody; `false`: only what is not.',
  })
  @IsOptional()
  @AsBoolean()
  @IsActive()
  active?: boolean;

  @ApiPropertyOptional({
    enum: SORTS,
    description:
      'When not given: by relevance if there is a `q`, else by id. `price` is the one that is shown.',
  })
  @IsOptional()
  @IsIn(SORTS, { message: `sort must be one of ${SORTS.join(', ')}` })
  sort?: (typeof SORTS)[number];
}

export class CreateProduct {
  @ApiProperty(DESCRIBED.sku)
  @IsSku()
  sku!: string;

  @ApiProperty(DESCRIBED.name)
  @IsName()
  name!: string;

  @ApiPropertyOptional({ ...DESCRIBED.description, default: '' })
  @IfGiven()
  @IsDescription()
  description: string = '';

  @ApiProperty(DESCRIBED.price)
  @IsPrice()
  price!: number;

  @ApiPropertyOptional(DESCRIBED.category)
  @IsOptional()
  @IsCategory()
  category?: string | null;

  @ApiPropertyOptional(DESCRIBED.image_url)
  @IsOptional()
  @IsWebAddress()
  image_url?: string | null;

  @ApiPropertyOptional(DESCRIBED.storefront_id)
  @IsOptional()
  @IsId()
  storefront_id?: number | null;

  @ApiPropertyOptional({ ...DESCRIBED.low_stock_threshold, default: 0 })
  @IfGiven()
  @IsCount()
  low_stock_threshold: number = 0;

  @ApiPropertyOptional({ ...DESCRIBED.active, default: true })
  @IfGiven()
  @IsActive()
  active: boolean = true;

  @ApiPropertyOptional(DESCRIBED.stock)
  @IfGiven()
  @IsCount()
  stock: number = 0;
}

/** Name, description, category and image are those of the parent when they are left out. */
export class CreateVariant {
  @ApiProperty({ ...DESCRIBED.sku, example: 'LAPTOP-002-BLACK' })
  @IsSku()
  sku!: string;

  @ApiPropertyOptional({ ...DESCRIBED.name, example: 'Laptop 16", black', description: "Else the parent's." })
  @IfGiven()
  @IsName()
  name?: string;

  @ApiPropertyOptional({ ...DESCRIBED.description, description: "Else the parent's." })
  @IfGiven()
  @IsDescription()
  description?: string;

  @ApiProperty(DESCRIBED.price)
  @IsPrice()
  price!: number;

  @ApiPropertyOptional({ ...DESCRIBED.category, description: "Else the parent's." })
  @IsOptional()
  @IsCategory()
  category?: string | null;

  @ApiPropertyOptional({ ...DESCRIBED.image_url, description: "Else the parent's." })
  @IsOptional()
  @IsWebAddress()
  image_url?: string | null;

  @ApiPropertyOptional({ ...DESCRIBED.low_stock_threshold, default: 0 })
  @IfGiven()
  @IsCount()
  low_stock_threshold: number = 0;

  @ApiPropertyOptional({ ...DESCRIBED.active, default: true })
  @IfGiven()
  @IsActive()
  active: boolean = true;

  @ApiPropertyOptional(DESCRIBED.stock)
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

  @ApiPropertyOptional(DESCRIBED.sku)
  @IfGiven()
  @IsSku()
  sku?: string;

  @ApiPropertyOptional(DESCRIBED.name)
  @IfGiven()
  @IsName()
  name?: string;

  @ApiPropertyOptional(DESCRIBED.description)
  @IfGiven()
  @IsDescription()
  description?: string;

  @ApiPropertyOptional({ ...DESCRIBED.price, example: 1399.99 })
  @IfGiven()
  @IsPrice()
  price?: number;

  @ApiPropertyOptional(DESCRIBED.category)
  @IsOptional()
  @IsCategory()
  category?: string | null;

  @ApiPropertyOptional({
    type: 'string',
    nullable: true,
    format: 'uri',
    maxLength: DESCRIBED.image_url.maxLength,
  })
  @IsOptional()
  @IsWebAddress()
  image_url?: string | null;

  @ApiPropertyOptional({
    ...DESCRIBED.storefront_id,
    description: 'Its variants go with it; a variant alone stays where its parent is.',
  })
  @IsOptional()
  @IsId()
  storefront_id?: number | null;

  @ApiPropertyOptional(DESCRIBED.low_stock_threshold)
  @IfGiven()
  @IsCount()
  low_stock_threshold?: number;

  @ApiPropertyOptional({ example: false })
  @IfGiven()
  @IsActive()
  active?: boolean;

  @IfGiven()
  @RefusedAsStock()
  stock?: never;
}
