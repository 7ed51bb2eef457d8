import { Module } from '@nestjs/common';
import { ProductModule } from '../product/product.module.js';
import { CartController } from './cart.controller.js';
import { CartRepository } from './cart.repository.js';
import { CartService } from './cart.service.js';
import { CartHeir } from './cart-heir.js';

@Module({
  imports: [ProductModule],
  controllers: [CartController],
  providers: [CartRepository, CartService, CartHeir],
  exports: [CartService],
})
export class CartModule {}
