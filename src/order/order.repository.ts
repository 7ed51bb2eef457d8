import { Injectable } from '@nestjs/common';
import type { WhenLocked } from '../inventory/inventory.types.js';
import { plainArray } from '../platform/database/arrays.js';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement, type Tx } from '../platform/database/statement.js';
import type {
  HistoryEntry,
  Order,
  OrderLine,
  OrderRow,
  OrderStatus,
  PaymentStatus,
  RequestedLine,
  ReturnedGoods,
} from './order.types.js';
import { cartRoundKey, type PlacedDraft } from './placement/decide.js';

// When the transaction began: what `now()` gives to every row that it writes.
const transactionNow = new Statement<{ now: Date }>('transaction-now', 'SELECT now() AS now');

// One statement, so that a batch of any size costs one round trip.
const insertOrders = new Statement(
  'order-insert',
  `WITH new_orders AS (
     INSERT INTO orders (id, user_id, status, payment_status, payment_method, currency, items_price_minor,
                         discount_code, discount_price_minor, redeemed_points, points_discount_price_minor,
                         shipping_price_minor, total_price_minor, shipping_address, note, cart_id, cart_round)
     SELECT id, user_id, 'pending', payment_status, payment_method, $14, items_price_minor,
            discount_code, discount_price_minor, redeemed_points, points_discount_price_minor,
            shipping_price_minor, total_price_minor, shipping_address, note, cart_id, cart_round
     FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::jsonb[], $7::text[], $8::uuid[], $9::int[],
                 $18::text[], $19::text[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[])
       AS o(id, user_id, payment_method, items_price_minor, total_price_minor, shipping_address, note, cart_id, cart_round,
            payment_status, discount_code, discount_price_minor, redeemed_points, points_discount_price_minor,
            shipping_price_minor)
   ), new_history AS (
     INSERT INTO order_history (order_id, status) SELECT id, 'pending' FROM unnest($1::uuid[]) AS o(id)
   ), new_lines AS (
     INSERT INTO order_lines (order_id, position, product_id, sku, product_name, quantity, price_minor, subtotal_minor)
     SELECT order_id, position, product_id, sku, product_name, quantity, price_minor, price_minor * quantity
     FROM unnest($10::uuid[], $11::int[], $12::int[], $13::text[], $15::text[], $16::int[], $17::bigint[])
       AS l(order_id, position, product_id, sku, product_name, quantity, price_minor)
   )
   SELECT 1`,
);

const findBoughtRounds = new Statement<{ cart_id: string; cart_round: number }>(
  'order-find-bought-rounds',
  `SELECT cart_id, cart_round FROM orders
   WHERE cart_id = ANY($1::uuid[]) AND status NOT IN ('failed', 'expired', 'cancelled')`,
);

const isRoundBought = new Statement<{ bought: boolean }>(
  'order-is-round-bought',
  `SELECT EXISTS (SELECT FROM orders WHERE cart_id = $1 AND cart_round = $2
                    AND status NOT IN ('failed', 'expired', 'cancelled')) AS bought`,
);

const ORDER = `
  SELECT o.id, o.user_id, o.status, o.payment_status, o.payment_method, o.currency, o.items_price_minor,
         o.discount_code, o.discount_price_minor, o.redeemed_points, o.points_discount_price_minor,
         o.shipping_price_minor, o.total_price_minor, o.shipping_address, o.note, o.tracking_number, o.cart_id, o.cart_round,
         o.created_at, o.updated_at`;

// One indexed query for all that an order's answer shows, whether for one order or for a page of them.
export const WHOLE_ORDER = `${ORDER},
         (SELECT json_agg(json_build_object('product_id', l.product_id, 'sku', l.sku, 'product_name', l.product_name,
                   'quantity', l.quantity, 'price_minor', l.price_minor, 'subtotal_minor', l.subtotal_minor) ORDER BY l.position)
            FROM order_lines l WHERE l.order_id = o.id) AS lines,
         (SELECT json_agg(json_build_object('status', h.status, 'reason', h.reason, 'at', h.at) ORDER BY h.id)
            FROM order_history h WHERE h.order_id = o.id) AS history,
         r.id AS reservation_id, r.status AS reservation_status, r.expires_at AS reservation_expires_at
  FROM orders o LEFT JOIN reservations r ON r.order_id = o.id`;

export type WholeRow = OrderRow & {
  lines: OrderLine[];
  history: (Omit<HistoryEntry, 'at'> & { at: string })[];
  reservation_id: string | null;
  reservation_status: NonNullable<Order['reservation']>['status'];
  reservation_expires_at: Date;
};

const findWhole = new Statement<WholeRow>('order-find', `${WHOLE_ORDER} WHERE o.id = ANY($1::uuid[])`);
const lockOrder = new Statement<OrderRow>(
  'order-lock',
  `${ORDER} FROM orders o WHERE o.id = $1 FOR NO KEY UPDATE`,
);

const listOfUser = new Statement<WholeRow>(
  'order-list-of-user',
  `${WHOLE_ORDER} WHERE o.user_id = $1 AND ($2::uuid IS NULL OR o.id < $2) ORDER BY o.id DESC LIMIT $3`,
);
const countOfUser = new Statement<{ total: number }>(
  'order-count-of-user',
  'SELECT count(*) AS total FROM orders WHERE user_id = $1',
);

const lockOfUser = new Statement<{ id: string }>(
  'order-lock-of-user',
  'SELECT id FROM orders WHERE user_id = $1 ORDER BY id FOR NO KEY UPDATE',
);
const handOver = new Statement('order-hand-over', 'UPDATE orders SET user_id = $2 WHERE user_id = $1');

// By the index of open orders alone: those that have ended are not read, however many they are.
const COUNTED_MAX = 100_000;
const countOpen = new Statement<{ status: OrderStatus; orders: number }>(
  'order-count-open',
  ['pending', 'paid', 'shipped']
    .map(
      (status) => `SELECT '${status}' AS status, count(*) AS orders
         FROM (SELECT FROM orders WHERE status = '${status}' LIMIT ${COUNTED_MAX}) ${status}`,
    )
    .join(' UNION ALL '),
);

const updateStatus = new Statement(
  'order-update-status',
  `WITH entry AS (INSERT INTO order_history (order_id, status, reason) VALUES ($1, $2, $4))
   UPDATE orders SET status = $2, payment_status = $3, updated_at = now() WHERE id = $1`,
);
// Something worth telling that leaves the status as it is.
const addHistory = new Statement(
  'order-add-history',
  `WITH changed AS (UPDATE orders SET updated_at = now() WHERE id = $1 RETURNING id, status)
   INSERT INTO order_history (order_id, status, reason, is_note) SELECT id, status, $2, true FROM changed`,
);
// Promised to go back, or gone: settled or not, the customer gets it.
const isPaidBack = new Statement<{ paid_back: boolean }>(
  'order-is-paid-back',
  `SELECT EXISTS (SELECT FROM payments p WHERE p.order_id = $1 AND p.status = 'succeeded' AND p.amount_minor > 0
                    AND p.refunded_minor + p.refunding_minor = p.amount_minor) AS paid_back`,
);
const updateTracking = new Statement(
  'order-update-tracking',
  'UPDATE orders SET tracking_number = $2 WHERE id = $1',
);
const findReturnable = new Statement<RequestedLine>(
  'order-find-returnable',
  `SELECT l.product_id, l.quantity - coalesce(sum(r.quantity), 0)::int AS quantity
   FROM order_lines l LEFT JOIN order_returns r ON r.order_id = l.order_id AND r.product_id = l.product_id
   WHERE l.order_id = $1 GROUP BY l.product_id, l.quantity`,
);
const insertReturn = new Statement<{ number: number }>(
  'order-insert-return',
  `WITH next AS (SELECT coalesce(max(number), 0) + 1 AS number FROM order_returns WHERE order_id = $1)
   INSERT INTO order_returns (order_id, number, product_id, sellable, quantity, reason)
   SELECT $1, next.number, product_id, sellable, quantity, $5
   FROM next, unnest($2::int[], $3::boolean[], $4::int[]) AS r(product_id, sellable, quantity)
   RETURNING number`,
);
const updatePaymentStatus = new Statement(
  'order-update-payment-status',
  'UPDATE orders SET payment_status = $2, updated_at = now() WHERE id = $1 AND payment_status <> $2',
);

// Only orders without a payment under way: what may still be paid is settled with the provider first. With the hold, so that
// nobody extends it meanwhile.
const lockOverdueText = `SELECT o.id FROM orders o JOIN reservations r ON r.order_id = o.id
   WHERE o.id = ANY($1::uuid[]) AND o.status = 'pending' AND o.payment_status <> 'processing'
     AND r.status = 'active' AND r.expires_at <= now()
   ORDER BY o.id FOR NO KEY UPDATE OF o, r`;
const lockOverdue: Record<WhenLocked, Statement<{ id: string }>> = {
  wait: new Statement('order-lock-overdue', lockOverdueText),
  skip: new Statement('order-lock-overdue-free', `${lockOverdueText} SKIP LOCKED`),
};
const isOverdue = new Statement<{ overdue: boolean }>(
  'order-is-overdue',
  `SELECT expires_at <= now() AS overdue FROM reservations WHERE order_id = $1 AND status = 'active'`,
);

/** All SQL and all locks of the tables `orders`, `order_lines`, `order_history` and `order_returns`. */
@Injectable()
export class OrderRepository {
  constructor(private readonly database: DatabaseService) {}

  /** The time that whatever is written in `tx` carries as `created_at`. */
  async now(tx: Tx): Promise<Date> {
    return ((await transactionNow.first([], tx)) as { now: Date }).now;
  }

  async insert(drafts: PlacedDraft[], currency: string, tx: Tx): Promise<void> {
    const requests = drafts.map(({ request }) => request);
    const lines = drafts.flatMap(({ request, lines }) =>
      lines.map((line, position) => ({ order_id: request.order_id, position, ...line })),
    );
    await insertOrders.run(
      [
        plainArray(requests.map(({ order_id }) => order_id)),
        plainArray(requests.map(({ user_id }) => user_id)),
        plainArray(requests.map(({ payment_method }) => payment_method)),
        plainArray(drafts.map(({ items_price_minor }) => items_price_minor)),
        plainArray(drafts.map(({ total_price_minor }) => total_price_minor)),
        requests.map(({ shipping_address }) => shipping_address && JSON.stringify(shipping_address)),
        requests.map(({ note }) => note),
        plainArray(requests.map(({ checkout }) => checkout?.cart_id ?? null)),
        plainArray(requests.map(({ checkout }) => checkout?.cart_round ?? null)),
        plainArray(lines.map(({ order_id }) => order_id)),
        plainArray(lines.map(({ position }) => position)),
        plainArray(lines.map(({ product_id }) => product_id)),
        lines.map(({ sku }) => sku),
        currency,
        lines.map(({ product_name }) => product_name),
        plainArray(lines.map(({ quantity }) => quantity)),
        plainArray(lines.map(({ price_minor }) => price_minor)),
        plainArray(requests.map(({ checkout }) => checkout?.payment_status ?? 'unpaid')),
        plainArray(requests.map(({ discount_code }) => discount_code)),
        plainArray(drafts.map(({ discount_price_minor }) => discount_price_minor)),
        plainArray(drafts.map(({ redeemed_points }) => redeemed_points)),
        plainArray(drafts.map(({ points_discount_price_minor }) => points_discount_price_minor)),
        plainArray(drafts.map(({ shipping_price_minor }) => shipping_price_minor)),
      ],
      tx,
    );
  }

  /** The rounds of these carts that are bought, as `cartRoundKey`s. */
  async findBoughtRounds(cartIds: string[], tx: Tx): Promise<Set<string>> {
    if (cartIds.length === 0) return new Set();
    const rows = await findBoughtRounds.run([cartIds], tx);
    return new Set(rows.map(({ cart_id, cart_round }) => cartRoundKey(cart_id, cart_round)));
  }

  /** Whether another order has bought the round of the cart that this one, which has ended, was to buy. */
  async isBoughtOtherwise({ cart_id, cart_round }: OrderRow, tx: Tx): Promise<boolean> {
    return cart_id !== null && ((await isRoundBought.first([cart_id, cart_round], tx))?.bought ?? false);
  }

  /** Locks the order until `tx` ends, or null when there is none. */
  async lock(id: string, tx: Tx): Promise<OrderRow | null> {
    return lockOrder.first([id], tx);
  }

  async findAll(ids: string[], tx: Tx): Promise<Order[]> {
    return (await findWhole.run([ids], tx)).map(orderOf);
  }

  async find(id: string): Promise<Order | null> {
    const row = await this.database.readFirst(findWhole, [[id]]);
    return row && orderOf(row);
  }

  /** Newest first, from below `before`. */
  async listOfUser(userId: number, before: string | null, limit: number): Promise<Order[]> {
    return (await this.database.read(listOfUser, [userId, before, limit])).map(orderOf);
  }

  async countOfUser(userId: number): Promise<number> {
    return (await this.database.readFirst(countOfUser, [userId]))?.total ?? 0;
  }

  /** Locks all orders of the user until `tx` ends, by ascending id. */
  async lockOfUser(userId: number, tx: Tx): Promise<void> {
    await lockOfUser.run([userId], tx);
  }

  /** Gives the user's orders, which must be locked in `tx`, to another user. */
  async handOver(fromUserId: number, toUserId: number, tx: Tx): Promise<void> {
    await handOver.run([fromUserId, toUserId], tx);
  }

  /** How many orders stand where they cannot stay, each up to 100,000. */
  async countOpen(): Promise<{ status: OrderStatus; orders: number }[]> {
    return this.database.read(countOpen, []);
  }

  /** Moves a locked order and writes its history. */
  async updateStatus(
    id: string,
    status: OrderStatus,
    payment: PaymentStatus,
    reason: string | null,
    tx: Tx,
  ): Promise<void> {
    await updateStatus.run([id, status, payment, reason], tx);
  }

  /** A line of the history of a locked order whose status stays. */
  async addHistory(id: string, reason: string, tx: Tx): Promise<void> {
    await addHistory.run([id, reason], tx);
  }

  /** Whether all the money of a locked order goes back, or has. */
  async isPaidBack(id: string, tx: Tx): Promise<boolean> {
    return (await isPaidBack.first([id], tx))?.paid_back ?? false;
  }

  async updateTracking(id: string, trackingNumber: string, tx: Tx): Promise<void> {
    await updateTracking.run([id, trackingNumber], tx);
  }

  /** How much of each line has not come back. */
  async findReturnable(id: string, tx: Tx): Promise<RequestedLine[]> {
    return findReturnable.run([id], tx);
  }

  /** @returns which return of the order this is, from 1. */
  async insertReturn(id: string, goods: ReturnedGoods[], reason: string | null, tx: Tx): Promise<number> {
    const values = [
      goods.map(({ product_id }) => product_id),
      goods.map(({ sellable }) => sellable),
      goods.map(({ quantity }) => quantity),
    ];
    return ((await insertReturn.first([id, ...values, reason], tx)) as { number: number }).number;
  }

  async updatePaymentStatus(id: string, payment: PaymentStatus, tx: Tx): Promise<void> {
    await updatePaymentStatus.run([id, payment], tx);
  }

  /** Locks those of these orders whose time has passed and that nothing may pay any more, by ascending id. */
  async lockOverdue(ids: string[], whenLocked: WhenLocked, tx: Tx): Promise<string[]> {
    return (await lockOverdue[whenLocked].run([ids], tx)).map(({ id }) => id);
  }

  async isOverdue(id: string, tx: Tx): Promise<boolean> {
    return (await isOverdue.first([id], tx))?.overdue ?? false;
  }
}

/** The order of a `WHOLE_ORDER`. */
export function orderOf({
  reservation_id,
  reservation_status,
  reservation_expires_at,
  lines,
  history,
  ...row
}: WholeRow): Order {
  return {
    ...row,
    lines: lines ?? [],
    history: (history ?? []).map((entry) => ({ ...entry, at: new Date(entry.at) })),
    reservation:
      reservation_id &&
      ({
        id: reservation_id,
        status: reservation_status,
        expires_at: reservation_expires_at,
      } as Order['reservation']),
  } as Order;
}
