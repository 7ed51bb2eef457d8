// Loaded into the measured service before its main.ts (`node --import`): adds one route and changes nothing else.
import { Body, Controller, Module, Post } from '@nestjs/common';
import { AppModule } from '../src/app.module.js';
import { PlaceOrderDto } from '../src/order/order.dto.js';
import { type Caller, CurrentUser } from '../src/platform/http/caller.js';
import { type Claim, IdempotencyClaim } from '../src/platform/idempotency/claim.js';

/** The whole way of an order through HTTP, token, validation and idempotency key, and then nothing. */
@Controller('bench')
class NothingController {
  @Post('nothing')
  place(@CurrentUser() caller: Caller, @Body() dto: PlaceOrderDto, @IdempotencyClaim() claim: Claim | null) {
    return { user_id: caller.id, lines: dto.items.length, scope: claim?.scope };
  }
}

@Module({ controllers: [NothingController] })
class NothingModule {}

const whole = AppModule.with;
AppModule.with = (...stated) => {
  const app = whole(...stated);
  return { ...app, imports: [...(app.imports ?? []), NothingModule] };
};
