import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Roles } from '../auth/roles.js';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { RateLimit } from '../platform/http/rate-limit.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { ChangeDiscountDto, CreateDiscountDto, DiscountsQuery, ValidateDiscountDto } from './discount.dto.js';
import { DiscountService } from './discount.service.js';
import { DiscountPageView, DiscountView, ValidDiscountView } from './discount.view.js';

const RefusesUnknown = () => Refuses(404, 'not_found', 'discount not found');

@ApiTags('discounts')
@ApiBearerAuth('access_token')
@Controller('discounts')
export class DiscountController {
  constructor(private readonly discounts: DiscountService) {}

  @Post('validate')
  @RateLimit('codes')
  @HttpCode(200)
  @ApiOperation({
    summary: 'What a code would take off',
    description: 'It is not used by that: the order counts, and looks again.',
  })
  @Answers(200, ValidDiscountView, 'It can be used now.')
  @Refuses(400, ['discount_invalid', 'validation_failed'], 'the discount code AUTUMN15 has ended')
  validate(@CurrentUser() caller: Caller, @Body() dto: ValidateDiscountDto) {
    return this.discounts.validate(caller, dto);
  }

  @Post()
  @Roles('admin')
  @ApiOperation({ summary: 'Make a discount code' })
  @TakesIdempotencyKey()
  @Answers(201, DiscountView)
  @Refuses(409, ['code_taken', 'idempotency_in_progress'], 'the code AUTUMN15 is already taken')
  create(@Body() dto: CreateDiscountDto, @IdempotencyClaim() claim: Claim | null) {
    return this.discounts.create(dto, claim);
  }

  @Get()
  @Roles('admin')
  @ApiOperation({ summary: 'The discount codes, newest first unless another sort is asked for' })
  @Answers(200, DiscountPageView)
  list(@Query() query: DiscountsQuery) {
    return this.discounts.list(query);
  }

  @Get(':id')
  @TakesId()
  @Roles('admin')
  @ApiOperation({ summary: 'One discount code' })
  @Answers(200, DiscountView)
  @RefusesUnknown()
  get(@Param('id', IntegerId) id: number) {
    return this.discounts.get(id);
  }

  @Patch(':id')
  @TakesId()
  @Roles('admin')
  @ApiOperation({
    summary: 'Change a discount code',
    description:
      'What is not named stays, null takes a bound away. Orders that have used it keep their prices.',
  })
  @Answers(200, DiscountView)
  @RefusesUnknown()
  @Refuses(409, 'code_taken', 'the code AUTUMN15 is already taken')
  change(@Param('id', IntegerId) id: number, @Body() dto: ChangeDiscountDto) {
    return this.discounts.change(id, dto);
  }

  @Delete(':id')
  @TakesId()
  @Roles('admin')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove a discount code',
    description: 'Orders keep what they got. The code may be used for another discount.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @RefusesUnknown()
  async remove(@Param('id', IntegerId) id: number) {
    await this.discounts.remove(id);
  }
}
