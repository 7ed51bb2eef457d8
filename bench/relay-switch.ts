// Loaded into the measured service before its main.ts (`node --import`): a switch for the relay of events, so that orders
// can be measured without it. The service itself has none.
import { Controller, Module, Param, Post } from '@nestjs/common';
import { AppModule } from '../src/app.module.js';
import { RelayService } from '../src/event/relay.service.js';

let isOn = true;
const { relayAll } = RelayService.prototype;
RelayService.prototype.relayAll = async function (this: RelayService) {
  if (isOn) await relayAll.call(this);
};

@Controller('bench')
class RelaySwitchController {
  @Post('relay/:state')
  turn(@Param('state') state: string) {
    isOn = state === 'on';
    return { state };
  }
}

@Module({ controllers: [RelaySwitchController] })
class RelaySwitchModule {}

const whole = AppModule.with;
AppModule.with = (...stated) => {
  const app = whole(...stated);
  return { ...app, imports: [...(app.imports ?? []), RelaySwitchModule] };
};
