import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/database/tx.js';
import { Money } from '../platform/money.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { ProductRepository } from './product.repository.js';
import type { StoredProduct } from './product.types.js';

/** Who has made, changed and removed which products by hand. */
@Injectable()
export class ProductTrail {
  constructor(
    private readonly repository: ProductRepository,
    private readonly trail: AdminActions,
    private readonly money: Money,
  ) {}

  /**
   * Does `work` in `tx` and notes what has become of these products, and of those that `work` says it has made. What is as it
   * was is not noted. @returns what `work` returns.
   */
  async noting<T>(ids: number[], work: () => Promise<T>, madeBy: (done: T) => number[], tx: Tx): Promise<T> {
    const before = await this.standOf(ids, tx);
    const done = await work();
    const all = [...new Set([...ids, ...madeBy(done)])];
    const after = await this.standOf(all, tx);
    const steps = all.flatMap((id) => stepOf(id, before.get(id) ?? null, after.get(id) ?? null) ?? []);
    await this.trail.record(steps, tx);
    return done;
  }

  private async standOf(ids: number[], tx: Tx): Promise<Map<number, object>> {
    const found = ids.length === 0 ? [] : await this.repository.find(ids, tx);
    return new Map(found.map((product) => [product.id, this.shown(product)]));
  }

  private shown({ price_minor, ...product }: StoredProduct): object {
    return { ...product, price: this.money.majorOf(price_minor) };
  }
}

function stepOf(entity_id: number, before: object | null, after: object | null) {
  if (JSON.stringify(before) === JSON.stringify(after)) return null;
  const done = before === null ? 'created' : after === null ? 'removed' : 'changed';
  return { action: `product.${done}`, entity: 'product', entity_id, before, after } as const;
}
