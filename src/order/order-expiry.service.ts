import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { OrderEnder, WhenLocked } from '../inventory/inventory.types.js';
import { OverdueHolds } from '../inventory/overdue-holds.service.js';
import type { Tx } from '../platform/database/tx.js';
import { OrderRepository } from './order.repository.js';
import { OrderBenefits } from './order-benefits.service.js';
import { OrderLife } from './order-life.service.js';

/** Ends the orders that were not paid in time, whenever inventory says so: in its sweep, or for somebody who needs the goods. */
@Injectable()
export class OrderExpiryService implements OrderEnder, OnModuleInit {
  private settleThem: (orderIds: string[]) => Promise<void> = async () => undefined;

  constructor(
    private readonly orders: OrderLife,
    private readonly repository: OrderRepository,
    private readonly benefits: OrderBenefits,
    private readonly overdueHolds: OverdueHolds,
  ) {}

  onModuleInit(): void {
    this.overdueHolds.register(this);
  }

  /** Names who asks the provider about payments that are under way. */
  registerSettler(settle: (orderIds: string[]) => Promise<void>): void {
    this.settleThem = settle;
  }

  async settle(orderIds: string[]): Promise<void> {
    await this.settleThem(orderIds);
  }

  async lockOverdue(orderIds: string[], whenLocked: WhenLocked, tx: Tx): Promise<string[]> {
    return this.repository.lockOverdue(orderIds, whenLocked, tx);
  }

  async lockNext(orderIds: string[], tx: Tx): Promise<void> {
    await this.benefits.lock([], orderIds, tx);
  }

  async expire(orderId: string, tx: Tx): Promise<void> {
    const order = await this.orders.lock(orderId, tx);
    await this.orders.end(order, 'expired', 'not paid in time', tx);
  }
}
