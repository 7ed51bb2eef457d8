import { Injectable } from '@nestjs/common';
import type { Goods } from '../inventory/inventory.types.js';
import { LedgerService } from '../inventory/ledger.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import type { ReturnGoodsDto, ShipOrderDto } from './order.dto.js';
import { OrderNotReturnable, OrderNotShippable, ReturnTooLarge } from './order.errors.js';
import { OrderRepository } from './order.repository.js';
import { OrderService } from './order.service.js';
import type { OrderRow, ReturnedGoods } from './order.types.js';
import type { OrderView } from './order.view.js';
import { OrderLife } from './order-life.service.js';

/** What the warehouse does with a paid order. */
@Injectable()
export class FulfilmentService {
  constructor(
    private readonly orders: OrderService,
    private readonly lives: OrderLife,
    private readonly repository: OrderRepository,
    private readonly ledger: LedgerService,
    private readonly idempotency: IdempotencyService,
    private readonly trail: AdminActions,
  ) {}

  /** A paid order is on its way. @throws OrderNotFound, OrderNotShippable: unpaid, ended, shipped before, or all paid back. */
  async ship(id: string, dto: ShipOrderDto, claim: Claim | null): Promise<Answer<OrderView>> {
    return this.move(id, 'shipped', claim, async (order, tx) => {
      if (order.status === 'paid' && (await this.repository.isPaidBack(id, tx)))
        throw new OrderNotShippable('refunded');
      const tracking = dto.tracking_number ?? null;
      await this.lives.advance(order, 'shipped', tracking && `tracking number ${tracking}`, tx);
      if (tracking) await this.repository.updateTracking(id, tracking, tx);
    });
  }

  /** A shipped order has arrived. @throws OrderNotFound, OrderNotDeliverable */
  async deliver(id: string, claim: Claim | null): Promise<Answer<OrderView>> {
    return this.move(id, 'delivered', claim, (order, tx) => this.lives.advance(order, 'delivered', null, tx));
  }

  /**
   * Takes goods back that a customer has sent: what is sellable goes back to stock. No money moves.
   * @throws OrderNotFound, OrderNotReturnable, ReturnTooLarge: of no product more comes back than was sold.
   */
  async takeBack(id: string, dto: ReturnGoodsDto, claim: Claim | null): Promise<Answer<OrderView>> {
    return this.move(id, 'returned', claim, async (order, tx) => {
      if (order.status !== 'shipped' && order.status !== 'delivered')
        throw new OrderNotReturnable(order.status);
      const goods = summed(dto.items);
      await this.assertSold(order, goods, tx);
      const reason = dto.reason ?? null;
      const number = await this.repository.insertReturn(id, goods, reason, tx);
      const sellable = goods.filter((line) => line.sellable);
      await this.ledger.restock(id, number, sellable, reason ?? 'returned by the customer', tx);
      await this.lives.noteReturn(order, sentenceOf(goods, reason), tx);
    });
  }

  private async move(
    id: string,
    done: 'shipped' | 'delivered' | 'returned',
    claim: Claim | null,
    work: (order: OrderRow, tx: Tx) => Promise<void>,
  ): Promise<Answer<OrderView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      const before = await this.lives.lock(id, tx);
      await work(before, tx);
      const after = await this.orders.viewIn(id, tx);
      const step = { action: `order.${done}`, entity: 'order', entity_id: id } as const;
      await this.trail.record([{ ...step, before: stateOf(before), after: stateOf(after) }], tx);
      return after;
    });
  }

  private async assertSold(order: OrderRow, goods: ReturnedGoods[], tx: Tx): Promise<void> {
    const left = new Map(
      (await this.repository.findReturnable(order.id, tx)).map((line) => [line.product_id, line.quantity]),
    );
    const wanted = new Map<number, number>();
    for (const { product_id, quantity } of goods)
      wanted.set(product_id, (wanted.get(product_id) ?? 0) + quantity);
    const items = [...wanted]
      .map(([product_id, requested]) => ({ product_id, requested, returnable: left.get(product_id) ?? 0 }))
      .filter(({ requested, returnable }) => requested > returnable);
    if (items.length > 0) throw new ReturnTooLarge(items);
  }
}

/** What an admin's step may change. */
function stateOf({
  status,
  history,
  tracking_number,
}: Pick<OrderView, 'status' | 'tracking_number'> & { history?: OrderView['history'] }) {
  return { status, tracking_number, note: history?.at(-1)?.reason ?? null };
}

/** Lines that say the same of one product are one line. */
function summed(items: (Goods & { sellable: boolean })[]): ReturnedGoods[] {
  const lines = new Map<string, ReturnedGoods>();
  for (const { product_id, quantity, sellable } of items) {
    const line = lines.get(`${product_id} ${sellable}`);
    lines.set(`${product_id} ${sellable}`, {
      product_id,
      sellable,
      quantity: (line?.quantity ?? 0) + quantity,
    });
  }
  return [...lines.values()];
}

function sentenceOf(goods: ReturnedGoods[], reason: string | null): string {
  const lines = goods.map(
    ({ product_id, quantity, sellable }) =>
      `${quantity} × product ${product_id}${sellable ? '' : ' (damaged)'}`,
  );
  return `returned ${lines.join(', ')}${reason ? `: ${reason}` : ''}`;
}
