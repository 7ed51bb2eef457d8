import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiKeyPageView, ApiKeyView, CreateApiKeyDto, NewApiKeyView } from '../auth/api-key.dto.js';
import { ApiKeyService } from '../auth/api-key.service.js';
import { Roles } from '../auth/roles.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { PageQuery } from '../platform/http/page.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';

const IN_PROGRESS = 'a request with this idempotency key is still in progress';

@ApiTags('admin')
@ApiBearerAuth('access_token')
@Roles('admin')
@Controller('admin/api-keys')
export class AdminApiKeysController {
  constructor(private readonly apiKeys: ApiKeyService) {}

  @Post()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Make an API key for another system',
    description: 'The key is shown in this answer and, but for its repeat, never again.',
  })
  @TakesIdempotencyKey()
  @Answers(201, NewApiKeyView, 'Made.')
  @Refuses(409, ['idempotency_in_progress', 'idempotency_answer_lost'], IN_PROGRESS)
  create(@Body() dto: CreateApiKeyDto, @IdempotencyClaim() claim: Claim | null) {
    return this.apiKeys.create(dto, claim);
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
