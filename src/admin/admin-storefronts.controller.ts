import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { ChangeStorefront, CreateStorefront } from '../storefront/storefront.dto.js';
import { StorefrontService } from '../storefront/storefront.service.js';
import { StorefrontPageView, StorefrontView } from '../storefront/storefront.view.js';

const RefusesUnknown = () => Refuses(404, 'not_found', 'storefront not found');

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/storefronts')
export class AdminStorefrontsController {
  constructor(private readonly storefronts: StorefrontService) {}

  @Post()
  @ApiOperation({ summary: "Open a seller's shop" })
  @TakesIdempotencyKey()
  @Answers(201, StorefrontView)
  @Refuses(409, 'idempotency_in_progress', 'a request with this idempotency key is still in progress')
  create(@Body() wish: CreateStorefront, @IdempotencyClaim() claim: Claim | null) {
    return this.storefronts.create(wish, claim);
  }

  @Get()
  @ApiOperation({ summary: 'The storefronts, by id' })
  @Answers(200, StorefrontPageView)
  list(@Query() query: PageQuery) {
    return this.storefronts.list(query);
  }

  @Get(':id')
  @TakesId()
  @ApiOperation({ summary: 'One storefront' })
  @Answers(200, StorefrontView)
  @RefusesUnknown()
  get(@Param('id', IntegerId) id: number) {
    return this.storefronts.get(id);
  }

  @Patch(':id')
  @TakesId()
  @ApiOperation({ summary: 'Change a storefront', description: 'What is not named stays.' })
  @Answers(200, StorefrontView)
  @RefusesUnknown()
  change(@Param('id', IntegerId) id: number, @Body() wish: ChangeStorefront) {
    return this.storefronts.change(id, wish);
  }

  @Delete(':id')
  @TakesId()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Close a storefront',
    description: 'Only one that has no products: they are deleted, or moved elsewhere, first.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @RefusesUnknown()
  @Refuses(
    409,
    'storefront_not_empty',
    'the storefront still has products; delete them, or move them elsewhere, first',
  )
  remove(@Param('id', IntegerId) id: number) {
    return this.storefronts.remove(id);
  }
}
