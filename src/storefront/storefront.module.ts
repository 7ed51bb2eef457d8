import { Module } from '@nestjs/common';
import { StorefrontController } from './storefront.controller.js';
import { StorefrontRepository } from './storefront.repository.js';
import { StorefrontService } from './storefront.service.js';

@Module({
  controllers: [StorefrontController],
  providers: [StorefrontRepository, StorefrontService],
  exports: [StorefrontService],
})
export class StorefrontModule {}
