import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import { freeStock, hasVariants, isSellable, WITH_OVERDUE_GOODS } from '../product/product.types.js';
import { QUANTITY_MAX, QUANTITY_MIN } from './cart.errors.js';
import type { CartForCheckout, CartLine, CartLineRow } from './cart.types.js';

const findLines = new Statement<CartLineRow>(
  'cart-find-lines',
  `${WITH_OVERDUE_GOODS}
   SELECT c.id AS cart_id, c.updated_at, l.product_id, p.name AS product_name, l.quantity, p.price_minor,
          ${isSellable('p')} AND NOT ${hasVariants('p')} AND ${freeStock('p')} >= l.quantity AS available
   FROM carts c JOIN cart_lines l ON l.user_id = c.user_id JOIN products p ON p.id = l.product_id
   WHERE c.user_id = $1 ORDER BY l.added_at, l.product_id`,
);

const findForCheckout = new Statement<CartForCheckout>(
  'cart-find-for-checkout',
  `SELECT c.id AS cart_id, c.round,
          json_agg(json_build_object('product_id', l.product_id, 'quantity', l.quantity) ORDER BY l.product_id) AS lines
   FROM carts c JOIN cart_lines l ON l.user_id = c.user_id
   WHERE c.user_id = $1 GROUP BY c.id, c.round`,
);

// The cart's row is the cart's lock. An upsert, because there may be no row yet to lock, or none any more: whoever waits
// here while the row is deleted makes a new one. clock_timestamp, because now() is when the transaction began: before the
// change that it has waited for.
const take = new Statement(
  'cart-take',
  `INSERT INTO carts (user_id, id) VALUES ($1, $2)
   ON CONFLICT (user_id) DO UPDATE SET updated_at = clock_timestamp()`,
);

const lock = new Statement(
  'cart-lock',
  'SELECT id FROM carts WHERE user_id = $1 AND id = $2 AND round = $3 FOR UPDATE',
);

// Adds where it stands rather than sets what somebody has read, so that no addition is lost.
const addToLine = new Statement(
  'cart-add-to-line',
  `INSERT INTO cart_lines (user_id, product_id, quantity) VALUES ($1, $2, $3)
   ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = cart_lines.quantity + EXCLUDED.quantity
     WHERE cart_lines.quantity + EXCLUDED.quantity <= ${QUANTITY_MAX}
   RETURNING quantity`,
);

const setLine = new Statement(
  'cart-set-line',
  'UPDATE cart_lines SET quantity = $3 WHERE user_id = $1 AND product_id = $2 RETURNING quantity',
);

const changeLine = new Statement<{ wanted: number }>(
  'cart-change-line',
  `WITH kept AS (
     UPDATE cart_lines SET quantity = quantity + $3
     WHERE user_id = $1 AND product_id = $2 AND quantity + $3 BETWEEN ${QUANTITY_MIN} AND ${QUANTITY_MAX}),
   removed AS (
     DELETE FROM cart_lines WHERE user_id = $1 AND product_id = $2 AND quantity + $3 = 0)
   SELECT quantity + $3::int AS wanted FROM cart_lines WHERE user_id = $1 AND product_id = $2`,
);

const removeLine = new Statement(
  'cart-remove-line',
  'DELETE FROM cart_lines WHERE user_id = $1 AND product_id = $2 RETURNING product_id',
);

const subtract = new Statement(
  'cart-subtract',
  `WITH bought AS (
     SELECT product_id, sum(quantity) AS quantity FROM unnest($2::int[], $3::int[]) AS u(product_id, quantity)
     GROUP BY product_id),
   lowered AS (
     UPDATE cart_lines l SET quantity = l.quantity - b.quantity FROM bought b
     WHERE l.user_id = $1 AND l.product_id = b.product_id AND l.quantity > b.quantity),
   gone AS (
     DELETE FROM cart_lines l USING bought b
     WHERE l.user_id = $1 AND l.product_id = b.product_id AND l.quantity <= b.quantity)
   UPDATE carts SET round = round + 1, updated_at = clock_timestamp() WHERE user_id = $1`,
);

// A statement of its own, after the one that took lines away: within one, it would still see them.
const dropIfEmpty = new Statement(
  'cart-drop-if-empty',
  'DELETE FROM carts c WHERE c.user_id = $1 AND NOT EXISTS (SELECT FROM cart_lines l WHERE l.user_id = c.user_id)',
);

const lockOfUser = new Statement<{ id: string }>(
  'cart-lock-of-user',
  'SELECT id FROM carts WHERE user_id = $1 FOR UPDATE',
);

// Both in one statement: the lines' foreign key is looked at when it ends.
const giveTo = new Statement(
  'cart-give-to',
  `WITH lines AS (UPDATE cart_lines SET user_id = $2 WHERE user_id = $1)
   UPDATE carts SET user_id = $2 WHERE user_id = $1`,
);

// What an order of this round may yet be paid for stays behind: once it is, it takes its lines out of its own cart, and no
// other. What an order has been paid for is out already, and the next round begun.
const addLines = new Statement(
  'cart-add-lines',
  `WITH being_bought AS (
     SELECT b.product_id, b.quantity
     FROM carts c JOIN orders o ON o.cart_id = c.id AND o.cart_round = c.round AND o.status NOT IN ('failed', 'expired', 'cancelled')
     JOIN order_lines b ON b.order_id = o.id
     WHERE c.user_id = $1)
   INSERT INTO cart_lines (user_id, product_id, quantity, added_at)
   SELECT $2, l.product_id, l.quantity - coalesce(b.quantity, 0), l.added_at
   FROM cart_lines l LEFT JOIN being_bought b USING (product_id)
   WHERE l.user_id = $1 AND l.quantity > coalesce(b.quantity, 0)
   ON CONFLICT (user_id, product_id)
     DO UPDATE SET quantity = least(${QUANTITY_MAX}, cart_lines.quantity + EXCLUDED.quantity)`,
);

const drop = new Statement('cart-drop', 'DELETE FROM carts WHERE user_id = $1');

/** All SQL of the tables `carts` and `cart_lines`. */
@Injectable()
export class CartRepository {
  constructor(private readonly database: DatabaseService) {}

  async findLines(userId: number): Promise<CartLineRow[]> {
    return this.database.read(findLines, [userId]);
  }

  /** `findLines`, as `tx` sees them. */
  async findLinesWithin(userId: number, tx: Tx): Promise<CartLineRow[]> {
    return findLines.run([userId], tx);
  }

  async findForCheckout(userId: number): Promise<CartForCheckout | null> {
    return this.database.readFirst(findForCheckout, [userId]);
  }

  /** Locks the user's cart until `tx` ends; makes it, under `newCartId`, when there is none. */
  async take(userId: number, newCartId: string, tx: Tx): Promise<void> {
    await take.run([userId, newCartId], tx);
  }

  /** Locks this very cart until `tx` ends. @returns false when it is gone, or in another round. */
  async lock(userId: number, cartId: string, round: number, tx: Tx): Promise<boolean> {
    return (await lock.first([userId, cartId, round], tx)) !== null;
  }

  /** @returns false, with nothing changed, when the line would hold too much. */
  async addToLine(userId: number, { product_id, quantity }: CartLine, tx: Tx): Promise<boolean> {
    return (await addToLine.first([userId, product_id, quantity], tx)) !== null;
  }

  /** @returns false when there is no such line. */
  async setLine(userId: number, { product_id, quantity }: CartLine, tx: Tx): Promise<boolean> {
    return (await setLine.first([userId, product_id, quantity], tx)) !== null;
  }

  /**
   * Adds the delta where the line stands; at 0 the line goes.
   * @returns the quantity that this comes to, or null when there is no such line. Out of bounds: nothing was changed.
   */
  async changeLine(userId: number, productId: number, delta: number, tx: Tx): Promise<number | null> {
    return (await changeLine.first([userId, productId, delta], tx))?.wanted ?? null;
  }

  /** @returns false when there is no such line. */
  async removeLine(userId: number, productId: number, tx: Tx): Promise<boolean> {
    return (await removeLine.first([userId, productId], tx)) !== null;
  }

  /** Takes the quantities off their lines and begins the next round; lines with nothing left go. */
  async subtract(userId: number, lines: CartLine[], tx: Tx): Promise<void> {
    const values = [userId, lines.map(({ product_id }) => product_id), lines.map(({ quantity }) => quantity)];
    await subtract.run(values, tx);
  }

  /** Locks the user's cart until `tx` ends. @returns its id, or null when there is none. */
  async lockOfUser(userId: number, tx: Tx): Promise<string | null> {
    return (await lockOfUser.first([userId], tx))?.id ?? null;
  }

  /** The locked cart itself, as it stands, becomes that of another user, who must have none. */
  async giveTo(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await giveTo.run([fromUserId, toUserId], tx);
  }

  /** Adds the lines of one locked cart to those of another, to at most as much as a line takes. */
  async addLines(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await addLines.run([fromUserId, toUserId], tx);
  }

  async dropIfEmpty(userId: number, tx: Tx): Promise<void> {
    await dropIfEmpty.run([userId], tx);
  }

  /** The cart and, by the foreign key, its lines. */
  async drop(userId: number, tx: Tx): Promise<void> {
    await drop.run([userId], tx);
  }
}
