import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiKeyPageView, ApiKeyView, CreateApiKeyDto, NewApiKeyView } from '../auth/api-key.dto.js';
import { ApiKeyService } from '../auth/api-key.service.js';
import { Roles } from '../auth/roles.js';
import { Answers, Refuses, TakesId } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { IntegerId } from '../platform/http/validation.js';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/api-keys')
export class AdminApiKeysController {
  constructor(private readonly apiKeys: ApiKeyService) {}

  // No Idempotency-Key here: an answer that is kept to be given again would keep the key in clear.
  @Post()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Make an API key for another system',
    description:
      'The key is shown in this answer and never again. An `Idempotency-Key` has no effect here: a repeat makes another key, and one that is not needed can be deleted.',
  })
  @Answers(201, NewApiKeyView, 'Made.')
  create(@Body() dto: CreateApiKeyDto) {
    return this.apiKeys.create(dto);
  }

  @Get()
  @ApiOperation({ summary: 'The API keys, newest first' })
  @Answers(200, ApiKeyPageView)
  list(@Query() query: PageQuery) {
    return this.apiKeys.list(query);
  }

  @Get(':id')
  @TakesId()
  @ApiOperation({ summary: 'An API key, without the key itself' })
  @Answers(200, ApiKeyView)
  @Refuses(404, 'not_found', 'API key not found')
  get(@Param('id', IntegerId) id: number) {
    return this.apiKeys.get(id);
  }

  @Delete(':id')
  @TakesId()
  @HttpCode(204)
  @ApiOperation({ summary: 'Revoke an API key, at once and for good' })
  @ApiNoContentResponse({ description: 'Revoked: the key lets nobody in any more.' })
  @Refuses(404, 'not_found', 'API key not found')
  async revoke(@Param('id', IntegerId) id: number) {
    await this.apiKeys.revoke(id);
  }
}
