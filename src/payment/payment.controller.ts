import { Controller, Get, Param } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Caller, CurrentUser } from '../platform/http/caller.js';
import { Answers, Refuses, TakesUuid } from '../platform/http/docs.js';
import { UuidId } from '../platform/http/validation.js';
import { Money } from '../platform/money.js';
import { PaymentService } from './payment.service.js';
import { PaymentView, paymentView } from './payment.view.js';

@ApiTags('payments')
@ApiBearerAuth('access_token')
@Controller('payments')
export class PaymentController {
  constructor(
    private readonly payments: PaymentService,
    private readonly money: Money,
  ) {}

  @Get(':id')
  @TakesUuid()
  @ApiOperation({ summary: 'One of your payments' })
  @Answers(200, PaymentView)
  @Refuses(404, 'not_found', 'payment not found')
  async get(@CurrentUser() caller: Caller, @Param('id', UuidId) id: string) {
    return paymentView(await this.payments.getOwn(caller, id), this.money);
  }
}
