import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { Public } from '../platform/http/public.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import {
  ChangeProduct,
  CreateProduct,
  ProductListQuery,
  ProductListView,
  ProductView,
} from './product.dto.js';
import { ProductService } from './product.service.js';

const RefusesUnknown = () => Refuses(404, 'not_found', 'product not found');

@ApiTags('products')
@RateLimit('product_writes')
@Controller('products')
export class ProductController {
  constructor(private readonly products: ProductService) {}

  @Get()
  @Public()
  @ApiOperation({
    summary: 'The catalog, a page at a time',
    description: 'Admins see inactive products, too.',
  })
  @Answers(200, ProductListView)
  list(@Query() query: ProductListQuery, @CurrentUser() caller: Caller | undefined) {
    return this.products.list(query, caller);
  }

  @Get(':id')
  @TakesId()
  @Public()
  @ApiOperation({ summary: 'One product' })
  @Answers(200, ProductView)
  @RefusesUnknown()
  get(@Param('id', IntegerId) id: number, @CurrentUser() caller: Caller | undefined) {
    return this.products.get(id, caller);
  }

  @Post()
  @Roles('admin')
  @ApiBearerAuth('access_token')
  @ApiOperation({ summary: 'Add a product to the catalog' })
  @TakesIdempotencyKey()
  @Answers(201, ProductView)
  @Refuses(409, ['sku_taken', 'idempotency_in_progress'], 'the sku LAPTOP-001 is already taken')
  create(@Body() wish: CreateProduct, @CurrentUser() admin: Caller, @IdempotencyClaim() claim: Claim | null) {
    return this.products.create(wish, admin, claim);
  }

  @Patch(':id')
  @TakesId()
  @Roles('admin')
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'Change a product',
    description:
      'What is not named stays. With `version`, only the product that still has it is changed. Stock changes only through inventory.',
  })
  @Answers(200, ProductView)
  @RefusesUnknown()
  @Refuses(409, ['version_conflict', 'sku_taken'], 'the product has version 4 now, not 3; read it again')
  change(@Param('id', IntegerId) id: number, @Body() wish: ChangeProduct, @CurrentUser() admin: Caller) {
    return this.products.change(id, wish, admin);
  }

  @Delete(':id')
  @TakesId()
  @Roles('admin')
  @HttpCode(204)
  @ApiBearerAuth('access_token')
  @ApiOperation({ summary: 'Take a product out of the catalog', description: 'Orders keep their lines.' })
  @ApiNoContentResponse({ description: 'Gone.' })
  @RefusesUnknown()
  remove(@Param('id', IntegerId) id: number) {
    return this.products.remove(id);
  }
}
