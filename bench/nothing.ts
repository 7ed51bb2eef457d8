// Loaded into the measured service before its main.ts (`node --import`): adds two routes and changes nothing else.
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import { AppModule } from '../src/app.module.js';
import { PlaceOrderDto } from '../src/order/order.dto.js';
import { type Caller, CurrentUser } from '../src/platform/http/caller.js';
import { Public } from '../src/platform/http/public.js';
import { type Claim, IdempotencyClaim } from '../src/platform/idempotency/claim.js';

@Controller('bench')
class NothingController {
  /** The whole way of a read that everybody may do, and then nothing. */
  @Get('nothing')
  @Public()
  read() {
    return { ok: true };
  }

  /** The whole way of an order through HTTP, token, validation and idempotency key, and then nothing. */
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
