import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesId, TakesIdempotencyKey } from '../platform/http/docs.js';
import { IntegerId } from '../platform/http/validation.js';
import { type Claim, IdempotencyClaim } from '../platform/idempotency/claim.js';
import { AddItem, CartView, ChangeQuantity, SetQuantity } from './cart.dto.js';
import { QUANTITY_BOUNDS } from './cart.errors.js';
import { CartService } from './cart.service.js';

const TakesProductId = () => TakesId('product_id');
const RefusesQuantity = () =>
  Refuses(400, 'validation_failed', QUANTITY_BOUNDS, {
    errors: [{ field: 'quantity', message: QUANTITY_BOUNDS }],
  });
const RefusesUnknownLine = () => Refuses(404, 'not_found', 'item not found in cart');

@ApiTags('cart')
@ApiBearerAuth('access_token')
@Controller('cart')
export class CartController {
  constructor(private readonly carts: CartService) {}

  @Get()
  @ApiOperation({ summary: 'Your cart' })
  @Answers(200, CartView)
  get(@CurrentUser() { id }: Caller) {
    return this.carts.get(id);
  }

  @Post('items')
  @HttpCode(200)
  @ApiOperation({ summary: 'Add a product to your cart', description: 'Adds to the line that is there.' })
  @TakesIdempotencyKey()
  @Answers(200, CartView)
  @RefusesQuantity()
  @Refuses(404, 'not_found', 'product not found')
  @Refuses(409, 'idempotency_in_progress', 'a request with this idempotency key is still in progress')
  add(@CurrentUser() { id }: Caller, @Body() item: AddItem, @IdempotencyClaim() claim: Claim | null) {
    return this.carts.add(id, item, claim);
  }

  @Put('items/:product_id')
  @TakesProductId()
  @ApiOperation({ summary: 'Set the quantity of a line' })
  @Answers(200, CartView)
  @RefusesQuantity()
  @RefusesUnknownLine()
  set(
    @CurrentUser() { id }: Caller,
    @Param('product_id', IntegerId) product_id: number,
    @Body() { quantity }: SetQuantity,
  ) {
    return this.carts.set(id, { product_id, quantity });
  }

  @Patch('items/:product_id')
  @TakesProductId()
  @ApiOperation({ summary: 'Add to a line or take from it', description: 'At 0 the line goes.' })
  @Answers(200, CartView)
  @RefusesQuantity()
  @RefusesUnknownLine()
  change(
    @CurrentUser() { id }: Caller,
    @Param('product_id', IntegerId) productId: number,
    @Body() { delta }: ChangeQuantity,
  ) {
    return this.carts.change(id, productId, delta);
  }

  @Delete('items/:product_id')
  @TakesProductId()
  @ApiOperation({ summary: 'Take a line out' })
  @Answers(200, CartView)
  @RefusesUnknownLine()
  remove(@CurrentUser() { id }: Caller, @Param('product_id', IntegerId) productId: number) {
    return this.carts.remove(id, productId);
  }

  @Delete()
  @ApiOperation({ summary: 'Empty your cart' })
  @Answers(200, CartView)
  clear(@CurrentUser() { id }: Caller) {
    return this.carts.clear(id);
  }
}
