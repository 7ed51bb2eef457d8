import { Module } from '@nestjs/common';
import { DiscountController } from './discount.controller.js';
import { DiscountRepository } from './discount.repository.js';
import { DiscountService } from './discount.service.js';
import { DiscountHeir } from './discount-heir.js';
import { DiscountUses } from './discount-uses.service.js';

@Module({
  controllers: [DiscountController],
  providers: [DiscountRepository, DiscountService, DiscountUses, DiscountHeir],
  exports: [DiscountUses],
})
export class DiscountModule {}
