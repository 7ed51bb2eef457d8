import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  StreamableFile,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Roles } from '../auth/roles.js';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { Public } from '../platform/http/public.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { bytesOf, StreamedBody } from '../platform/http/streamed-body.js';
import { TakesItsTime } from '../platform/http/time-limits.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { CatalogService } from './catalog.service.js';
import { ProductExportService } from './csv/export.service.js';
import { ProductImportService } from './csv/import.service.js';
import { ImportView } from './csv/import.view.js';
import { ChangeProduct, CreateProduct, CreateVariant, ProductListQuery } from './product.dto.js';
import { ProductService } from './product.service.js';
import { ProductListView, ProductView } from './product.view.js';
import { BulkProducts, BulkProductsView } from './product-bulk.dto.js';
import { ProductBulkService } from './product-bulk.service.js';

const IMPORT_BYTES_MAX = 67_108_864;
const CSV = {
  schema: {
    type: 'string' as const,
    example: 'sku,name,price,stock\nLAPTOP-002,"Laptop, 16 inches",1499.99,25\n',
  },
};

const RefusesUnknown = () => Refuses(404, 'not_found', 'product not found');

@ApiTags('products')
@RateLimit('product_writes')
@Controller('products')
export class ProductController {
  constructor(
    private readonly catalog: CatalogService,
    private readonly products: ProductService,
    private readonly bulk: ProductBulkService,
    private readonly imports: ProductImportService,
    private readonly exports: ProductExportService,
  ) {}

  @Get()
  @Public()
  @ApiOperation({
    summary: 'The catalog, a page at a time',
    description: 'Products with their variants inline. Admins see inactive ones, too.',
  })
  @Answers(200, ProductListView)
  list(@Query() query: ProductListQuery, @CurrentUser() caller: Caller | undefined) {
    return this.catalog.list(query, caller);
  }

  @Get('export')
  @Roles('admin')
  @Header('Cache-Control', 'no-store')
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'The whole catalog as a CSV file',
    description:
      'In the columns of the import, which takes it in again without changing anything. A text that a spreadsheet would take for a formula has an apostrophe before it; the import takes that away.',
  })
  @ApiProduces('text/csv')
  @ApiOkResponse({ description: 'By id.', content: { 'text/csv': CSV } })
  export() {
    const type = 'text/csv; charset=utf-8';
    return new StreamableFile(this.exports.export(), {
      type,
      disposition: 'attachment; filename="products.csv"',
    });
  }

  @Get(':id')
  @TakesId()
  @Public()
  @ApiOperation({ summary: 'One product with its variants, or one variant' })
  @Answers(200, ProductView)
  @RefusesUnknown()
  get(@Param('id', IntegerId) id: number, @CurrentUser() caller: Caller | undefined) {
    return this.catalog.get(id, caller);
  }

  @Post()
  @Roles('admin')
  @ApiBearerAuth('access_token')
  @ApiOperation({ summary: 'Add a product to the catalog' })
  @TakesIdempotencyKey()
  @Answers(201, ProductView)
  @Refuses(404, 'not_found', 'storefront not found')
  @Refuses(409, ['sku_taken', 'idempotency_in_progress'], 'the sku LAPTOP-001 is already taken')
  create(@Body() wish: CreateProduct, @IdempotencyClaim() claim: Claim | null) {
    return this.products.create(wish, claim);
  }

  @Post('bulk')
  @HttpCode(200)
  @Roles('admin')
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'Change many products at once',
    description:
      'Each operation is answered for itself, as if it were alone, in the order given; one that is refused does not stop the others. All that is done is done together.',
  })
  @TakesIdempotencyKey()
  @Answers(200, BulkProductsView, 'Done as far as possible: see each result.')
  @Refuses(409, 'idempotency_in_progress', 'a request with this idempotency key is still in progress')
  apply(@Body() operations: BulkProducts, @IdempotencyClaim() claim: Claim | null) {
    return this.bulk.apply(operations, claim);
  }

  @Post('import')
  @HttpCode(200)
  @Roles('admin')
  @StreamedBody('text/csv', IMPORT_BYTES_MAX)
  @TakesItsTime('a file of 64 MiB; it is taken in by batches, each with a time of its own')
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'Take products in from a CSV file',
    description:
      'UTF-8, of at most 64 MiB and 500,000 rows. The first line names the columns, in any order: `sku`, `name` and `price`, and what is wanted of the others. A row is about the product that has its sku in its storefront, or makes it; `stock` counts only then. What is not named stays as it is. Variants come after their parent. A row that is wrong, or no CSV, is reported and stops no other: reading goes on with the next line; the same file a second time changes nothing, so it needs no idempotency key.',
  })
  @ApiConsumes('text/csv')
  @ApiBody({ required: true, ...CSV })
  @Answers(200, ImportView, 'Done as far as possible: see the report.')
  @Refuses(400, ['validation_failed', 'malformed_csv', 'too_many_rows'], 'the column price is missing', {
    errors: [{ field: 'price', message: 'the column price is missing' }],
  })
  @Refuses(415, 'unsupported_media_type', 'the body must be text/csv')
  @Refuses(
    503,
    ['import_interrupted', 'database_unavailable'],
    'the service is stopping; send the file again',
  )
  import(@Req() request: FastifyRequest) {
    return this.imports.import(bytesOf(request));
  }

  @Post(':id/variants')
  @TakesId()
  @Roles('admin')
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'Add a variant to a product',
    description:
      'From its first variant on a product is sold only through them. Stock that it has itself stays in the ledger, and is neither shown nor sold until it has no variants any more.',
  })
  @TakesIdempotencyKey()
  @Answers(201, ProductView)
  @RefusesUnknown()
  @Refuses(
    409,
    ['sku_taken', 'variant_of_variant', 'too_many_variants', 'idempotency_in_progress'],
    'the sku LAPTOP-002-BLACK is already taken',
  )
  createVariant(
    @Param('id', IntegerId) id: number,
    @Body() wish: CreateVariant,
    @IdempotencyClaim() claim: Claim | null,
  ) {
    return this.products.createVariant(id, wish, claim);
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
  change(@Param('id', IntegerId) id: number, @Body() wish: ChangeProduct) {
    return this.products.change(id, wish);
  }

  @Delete(':id')
  @TakesId()
  @Roles('admin')
  @HttpCode(204)
  @ApiBearerAuth('access_token')
  @ApiOperation({
    summary: 'Take a product, with its variants, out of the catalog',
    description: 'Orders keep their lines.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @RefusesUnknown()
  remove(@Param('id', IntegerId) id: number) {
    return this.products.remove(id);
  }
}
