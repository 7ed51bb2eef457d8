import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import type { Answer } from '../platform/http/answer.js';
import type { Claim } from '../platform/idempotency/claim.js';
import { IdempotencyService } from '../platform/idempotency/idempotency.service.js';
import { Money } from '../platform/money.js';
import { uuidv7 } from '../platform/uuid.js';
import { ProductService } from '../product/product.service.js';
import type { CartView } from './cart.dto.js';
import { LineNotFound, QUANTITY_MAX, QuantityOutOfBounds } from './cart.errors.js';
import { CartRepository } from './cart.repository.js';
import type { CartForCheckout, CartLine, CartLineRow } from './cart.types.js';

/**
 * What a user means to buy. A cart holds no stock and promises no price.
 *
 * Each change is one transaction that takes the cart's row first, so that changes of one cart come one after another and
 * none is lost. An empty cart is no cart: its row goes with its last line.
 */
@Injectable()
export class CartService {
  constructor(
    private readonly database: DatabaseService,
    private readonly idempotency: IdempotencyService,
    private readonly products: ProductService,
    private readonly repository: CartRepository,
    private readonly money: Money,
  ) {}

  /** The user's cart with today's names and prices. */
  async get(userId: number): Promise<CartView> {
    return this.view(userId, await this.repository.findLines(userId));
  }

  /**
   * Adds to the line of the product, or begins it. Once for one claim; without one, each call adds.
   * @throws ProductNotFound when it may not be sold, QuantityOutOfBounds when the line would hold too much.
   */
  async add(userId: number, line: CartLine, claim: Claim | null): Promise<Answer<CartView>> {
    return this.idempotency.once(claim, 200, async (tx) => {
      await this.products.requireSellable(line.product_id, tx);
      await this.repository.take(userId, uuidv7(), tx);
      if (!(await this.repository.addToLine(userId, line, tx))) throw new QuantityOutOfBounds('quantity');
      return this.viewWithin(userId, tx);
    });
  }

  /** Sets the quantity of a line that is there. Idempotent. @throws LineNotFound */
  async set(userId: number, line: CartLine): Promise<CartView> {
    return this.changing(userId, async (tx) => {
      if (!(await this.repository.setLine(userId, line, tx))) throw new LineNotFound();
    });
  }

  /**
   * Adds `delta` to a line, or takes it away; at 0 the line goes. Each call counts: not idempotent.
   * @throws LineNotFound, QuantityOutOfBounds when the line would hold less than nothing or too much.
   */
  async change(userId: number, productId: number, delta: number): Promise<CartView> {
    return this.changing(userId, async (tx) => {
      const wanted = await this.repository.changeLine(userId, productId, delta, tx);
      if (wanted === null) throw new LineNotFound();
      if (wanted < 0 || wanted > QUANTITY_MAX) throw new QuantityOutOfBounds('delta');
    });
  }

  /** Takes a line out. @throws LineNotFound, also the second time. */
  async remove(userId: number, productId: number): Promise<CartView> {
    return this.changing(userId, async (tx) => {
      if (!(await this.repository.removeLine(userId, productId, tx))) throw new LineNotFound();
    });
  }

  /** Empties the cart, which may be empty already. Idempotent. */
  async clear(userId: number): Promise<CartView> {
    return this.database.transaction(async (tx) => {
      await this.repository.drop(userId, tx);
      return this.viewWithin(userId, tx);
    });
  }

  /**
   * What a checkout would buy now: the cart, which of its rounds, and its lines by ascending product id, or null when
   * the cart is empty. Takes no lock: what is added afterwards is not bought, and `removeBought` leaves it in the cart.
   */
  async findForCheckout(userId: number): Promise<CartForCheckout | null> {
    return this.repository.findForCheckout(userId);
  }

  /**
   * Takes what an order has bought out of the cart that it was bought from, and begins the cart's next round: exactly
   * the bought quantities go, what was added meanwhile stays, lines and then the cart go when nothing is left. When the
   * user has another cart by now, or none, or the cart is in a later round, nothing happens: so it is idempotent.
   *
   * Runs in the caller's `tx` and locks the cart's row there until it ends.
   */
  async removeBought(
    userId: number,
    { cart_id, round }: { cart_id: string; round: number },
    lines: CartLine[],
    tx: Tx,
  ): Promise<void> {
    if (!(await this.repository.lock(userId, cart_id, round, tx))) return;
    await this.repository.subtract(userId, lines, tx);
    await this.repository.dropIfEmpty(userId, tx);
  }

  /** Does `work` on the locked cart and answers the cart as it is then. */
  private async changing(userId: number, work: (tx: Tx) => Promise<void>): Promise<CartView> {
    return this.database.transaction(async (tx) => {
      await this.repository.take(userId, uuidv7(), tx);
      await work(tx);
      await this.repository.dropIfEmpty(userId, tx);
      return this.viewWithin(userId, tx);
    });
  }

  private async viewWithin(userId: number, tx: Tx): Promise<CartView> {
    return this.view(userId, await this.repository.findLinesWithin(userId, tx));
  }

  private view(userId: number, lines: CartLineRow[]): CartView {
    const total_minor = lines.reduce((sum, { price_minor, quantity }) => sum + price_minor * quantity, 0);
    return {
      cart_id: lines[0]?.cart_id ?? '',
      user_id: userId,
      items: lines.map(({ product_id, product_name, quantity, price_minor, available }) => ({
        product_id,
        product_name,
        quantity,
        price: this.money.majorOf(price_minor),
        subtotal: this.money.majorOf(price_minor * quantity),
        available,
      })),
      total_items: lines.length,
      total_price: this.money.majorOf(total_minor),
      updated_at: lines[0]?.updated_at ?? null,
    };
  }
}
