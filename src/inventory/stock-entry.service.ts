import { Injectable } from '@nestjs/common';
import { ValidationFailed } from '../platform/errors.js';
import type { Answer } from '../platform/http/answer.js';
import { decodeCursor, encodeCursor, pageOf } from '../platform/http/page.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { ProductService } from '../product/product.service.js';
import type { NewAdminAction } from '../trail/admin-action.types.js';
import { AdminActions } from '../trail/admin-actions.service.js';
import { InsufficientStock, ProductsNotFound, StockChanged } from './inventory.errors.js';
import type { EnteredMovement, Movement, MovementFilter } from './inventory.types.js';
import { LedgerService } from './ledger.service.js';
import { OverdueHolds } from './overdue-holds.service.js';
import {
  type BulkDto,
  type CountDto,
  type EnterMovementDto,
  type MovementsQuery,
  STOCK_MAX,
} from './stock.dto.js';
import {
  type BulkView,
  type CountedView,
  type EnteredView,
  type MovementPageView,
  movementView,
} from './stock.view.js';

const ORDERS = { newest: 'movements', oldest: 'movements-oldest-first' };

/** What people and other systems enter into the ledger by hand, and what stands in it. */
@Injectable()
export class StockEntryService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly overdueHolds: OverdueHolds,
    private readonly products: ProductService,
    private readonly idempotency: IdempotencyService,
    private readonly trail: AdminActions,
  ) {}

  /**
   * Enters one movement: goods come in, go out, or are counted. What goes out may be goods of overdue holds; whatever comes in
   * or is counted ends them first, since their goods count as free: what is counted is what can be sold. Idempotent by its claim.
   * @throws ProductsNotFound, InsufficientStock, StockChanged, ValidationFailed for more than can be counted — no row then.
   */
  async enter(dto: EnterMovementDto, claim: Claim | null): Promise<Answer<EnteredView>> {
    const { product_id, reason = null, notes = null } = dto;
    return this.overdueHolds.withRoom([product_id], (makeRoom) =>
      this.idempotency.once(claim, 201, async (tx) => {
        await (dto.type === 'out' ? makeRoom(tx) : this.overdueHolds.endBeforeCount([product_id], tx));
        const stock_before = (await this.products.lockForCount([product_id], tx)).get(product_id);
        if (stock_before === undefined) throw new ProductsNotFound([product_id]);
        const entered = movementOf(dto, stock_before);
        const [row] = await this.ledger.enter([entered], reason, notes, tx);
        await this.trail.record([stepOf(entered, 'entered', reason)], tx);
        const { stock_after } = entered;
        return { movement: movementView(row as Movement), stock_before, stock_after };
      }),
    );
  }

  /**
   * Sets the counts of many products. Each row stands for itself: those that cannot be done fail and do not stop the others.
   * A product named twice is counted by its first row. Overdue holds of the products are ended first. All that is done is one
   * transaction. Idempotent by its claim.
   */
  async count({ items, reason }: BulkDto, claim: Claim | null): Promise<Answer<BulkView>> {
    const ids = [...new Set(items.map(({ product_id }) => product_id))];
    return this.idempotency.once(claim, 200, async (tx) => {
      await this.overdueHolds.endBeforeCount(ids, tx);
      const { results, movements } = decideCounts(items, await this.products.lockForCount(ids, tx));
      await this.ledger.enter(movements, reason ?? null, null, tx);
      const steps = movements.map((movement) => stepOf(movement, 'counted', reason ?? null));
      await this.trail.record(steps, tx);
      return { results, updated: movements.length, failed: results.length - movements.length };
    });
  }

  /** The ledger's rows, newest or oldest first. */
  async list(query: MovementsQuery): Promise<MovementPageView> {
    const { sort } = query;
    const after = decodeCursor(ORDERS[sort], ['number'], query.cursor);
    const filter = filterOf(query);
    const found = await this.ledger.list(filter, sort, after && Number(after[0]), query.limit + 1);
    const { rows, next_cursor } = pageOf(found, query, movementView, ({ id }) =>
      encodeCursor(ORDERS[sort], [id]),
    );
    const total = query.count ? { total: await this.ledger.count(filter) } : {};
    return { movements: rows, next_cursor, ...total };
  }
}

/** What a movement makes of the stock. Pure. @throws InsufficientStock, StockChanged, ValidationFailed */
function movementOf(dto: EnterMovementDto, stock: number): EnteredMovement {
  const { product_id, type: kind, quantity } = dto;
  switch (kind) {
    case 'in':
      if (stock + quantity > STOCK_MAX)
        throw ValidationFailed.of(
          'quantity',
          `the stock of product ${product_id} would go beyond ${STOCK_MAX}`,
        );
      return { product_id, kind, delta: quantity, stock_after: stock + quantity };
    case 'out':
      if (quantity > stock)
        throw new InsufficientStock([{ product_id, requested: quantity, available: stock }]);
      return { product_id, kind, delta: -quantity, stock_after: stock - quantity };
    case 'adjustment':
      return adjustmentOf(dto, stock);
  }
}

function adjustmentOf({ product_id, quantity, expected_stock }: CountDto, stock: number): EnteredMovement {
  if ((expected_stock ?? stock) !== stock)
    throw new StockChanged(product_id, expected_stock as number, stock);
  return { product_id, kind: 'adjustment', delta: quantity - stock, stock_after: quantity };
}

function stepOf(
  { product_id, kind, delta, stock_after }: EnteredMovement,
  done: 'entered' | 'counted',
  reason: string | null,
): NewAdminAction {
  return {
    action: `product.stock_${done}`,
    entity: 'product',
    entity_id: product_id,
    before: { stock: stock_after - delta },
    after: { stock: stock_after, kind, reason },
  };
}

/** What the counts make of the stock, row by row. Pure. */
function decideCounts(
  items: CountDto[],
  stock: ReadonlyMap<number, number>,
): { results: CountedView[]; movements: EnteredMovement[] } {
  const movements = new Map<number, EnteredMovement>();
  const named = new Set<number>();
  const results = items.map((item, index): CountedView => {
    const { product_id } = item;
    const failed = (code: string, error: string): CountedView => ({
      index,
      product_id,
      status: 'failed',
      code,
      error,
    });
    if (named.has(product_id))
      return failed('duplicate_product', `product ${product_id} is named by an earlier row`);
    named.add(product_id);
    const stock_before = stock.get(product_id);
    try {
      if (stock_before === undefined) throw new ProductsNotFound([product_id]);
      const movement = adjustmentOf(item, stock_before);
      movements.set(product_id, movement);
      return { index, product_id, status: 'updated', stock_before, stock_after: movement.stock_after };
    } catch (error) {
      if (error instanceof ProductsNotFound || error instanceof StockChanged)
        return failed(error.code, error.message);
      throw error;
    }
  });
  return { results, movements: [...movements.values()] };
}

function filterOf({ product_id, order_id, type, from, to }: MovementsQuery): MovementFilter {
  return {
    product_id,
    order_ref: order_id,
    kind: type,
    from: from === undefined ? undefined : new Date(from),
    to: to === undefined ? undefined : new Date(to),
  };
}
