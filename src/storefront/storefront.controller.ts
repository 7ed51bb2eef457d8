import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Answers, Refuses, TakesId } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { Public } from '../platform/http/public.js';
import { IntegerId } from '../platform/http/validation.js';
import { StorefrontService } from './storefront.service.js';
import { StorefrontPageView, StorefrontView } from './storefront.view.js';

@ApiTags('storefronts')
@Public()
@Controller('storefronts')
export class StorefrontController {
  constructor(private readonly storefronts: StorefrontService) {}

  @Get()
  @ApiOperation({
    summary: 'The shops of sellers, by id',
    description: 'Their products: `GET /products?storefront_id=…`.',
  })
  @Answers(200, StorefrontPageView)
  list(@Query() query: PageQuery) {
    return this.storefronts.list(query);
  }

  @Get(':id')
  @TakesId()
  @ApiOperation({ summary: 'One storefront' })
  @Answers(200, StorefrontView)
  @Refuses(404, 'not_found', 'storefront not found')
  get(@Param('id', IntegerId) id: number) {
    return this.storefronts.get(id);
  }
}
