import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { Money } from '../platform/money.js';
import type { Family, ProductRow } from './product.types.js';

/** What every product shows, a variant of another as well. */
export class VariantView {
  @ApiProperty({ type: 'integer', example: 1 }) id!: number;
  @ApiProperty({ example: 'LAPTOP-001' }) sku!: string;
  @ApiProperty({ example: 'Laptop' }) name!: string;
  @ApiProperty({ example: 'A light 14-inch laptop with a long battery life.' }) description!: string;
  @ApiProperty({ type: 'number', example: 1299.99 }) price!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ type: 'string', nullable: true, example: null }) image_url!: string | null;
  @ApiProperty({ type: 'string', nullable: true, example: 'computers' }) category!: string | null;
  @ApiProperty({ type: 'integer', nullable: true, example: null }) storefront_id!: number | null;
  @ApiProperty({ type: 'integer', nullable: true, example: null, description: 'What it is a variant of.' })
  parent_id!: number | null;
  @ApiProperty({
    type: 'integer',
    example: 100,
    description: 'What can be sold now; of a product that has variants, the sum of theirs.',
  })
  stock!: number;
  @ApiProperty({ example: true }) in_stock!: boolean;
  @ApiPropertyOptional({ type: 'integer', example: 10, description: 'Only for admins.' })
  low_stock_threshold?: number;
  @ApiPropertyOptional({
    type: 'integer',
    example: 0,
    description: 'How often it was looked at. Only for admins.',
  })
  views?: number;
  @ApiProperty({ example: true }) active!: boolean;
  @ApiProperty({ type: 'integer', example: 1, description: 'Goes up with every change but those of stock.' })
  version!: number;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  created_at!: Date;
  @ApiProperty({ type: 'string', format: 'date-time', example: '2026-11-21T09:00:00.000Z' })
  updated_at!: Date;
}

export class ProductView extends VariantView {
  @ApiPropertyOptional({
    type: [VariantView],
    example: [],
    description: 'By id. A product that has any is sold only through them. Not there on a variant.',
  })
  variants?: VariantView[];
}

export class ProductListView {
  @ApiProperty({ type: [ProductView] }) products!: ProductView[];
  @ApiProperty({ type: 'string', nullable: true, example: null }) next_cursor!: string | null;
  @ApiPropertyOptional({ type: 'integer', example: 5, description: 'Only with `count=true`.' })
  total?: number;
}

/** A product with its variants, as an admin sees it or as everybody does. */
export function productView({ product, variants }: Family, forAdmin: boolean, money: Money): ProductView {
  const view = viewOf(product, forAdmin, money);
  if (product.parent_id !== null) return view;
  const shown = variants.filter(({ active }) => active || forAdmin);
  return { ...view, variants: shown.map((variant) => viewOf(variant, forAdmin, money)) };
}

function viewOf(row: ProductRow, forAdmin: boolean, money: Money): VariantView {
  return {
    id: row.id,
    sku: row.sku,
    name: row.name,
    description: row.description,
    price: money.majorOf(row.price_minor),
    currency: money.currency,
    image_url: row.image_url,
    category: row.category,
    storefront_id: row.storefront_id,
    parent_id: row.parent_id,
    stock: row.stock,
    in_stock: row.stock > 0,
    ...(forAdmin ? { low_stock_threshold: row.low_stock_threshold, views: row.views } : {}),
    active: row.active,
    version: row.version,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}
