import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { unnamed } from '../platform/database/statement.js';
import { type Bind, beyond, type ListOrder, orderBy } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import { orderOf, WHOLE_ORDER, type WholeRow } from './order.repository.js';
import type { Order, OrderFilter, OrderSort } from './order.types.js';

// Ids are UUIDv7, and sort by the time at which they were made.
const ORDERS: Record<OrderSort, ListOrder> = {
  newest: { columns: { 'o.id': 'uuid' }, descending: true },
  oldest: { columns: { 'o.id': 'uuid' }, descending: false },
  total: { columns: { 'o.total_price_minor': 'bigint', 'o.id': 'uuid' }, descending: false },
  '-total': { columns: { 'o.total_price_minor': 'bigint', 'o.id': 'uuid' }, descending: true },
};

/** Reads everybody's orders, as admins look for them. */
@Injectable()
export class OrderListRepository {
  constructor(private readonly database: DatabaseService) {}

  /** One page in the sort's order, beginning after the place that `after` names. */
  async list(filter: OrderFilter, sort: OrderSort, after: Keyset | null, limit: number): Promise<Order[]> {
    const values: unknown[] = [];
    const bind: Bind = (value) => `$${values.push(value)}`;
    const conditions = conditionsOf(filter, bind);
    if (after) conditions.push(beyond(ORDERS[sort], after, bind));
    const text = `${WHOLE_ORDER} WHERE ${conditions.join(' AND ')} ORDER BY ${orderBy(ORDERS[sort])} LIMIT ${bind(limit)}`;
    return (await this.database.read(unnamed<WholeRow>(text), values)).map(orderOf);
  }

  async count(filter: OrderFilter): Promise<number> {
    const values: unknown[] = [];
    const conditions = conditionsOf(filter, (value) => `$${values.push(value)}`);
    const text = `SELECT count(*) AS total FROM orders o WHERE ${conditions.join(' AND ')}`;
    return (await this.database.readFirst(unnamed<{ total: number }>(text), values))?.total ?? 0;
  }
}

/** Only fixed texts and placeholders: whatever a client has sent is bound. */
function conditionsOf({ status, user_id, product_id, from, to, q }: OrderFilter, bind: Bind): string[] {
  const conditions = ['true'];
  if (status !== undefined) conditions.push(`o.status = ${bind(status)}`);
  if (user_id !== undefined) conditions.push(`o.user_id = ${bind(user_id)}`);
  if (product_id !== undefined)
    conditions.push(
      `EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND l.product_id = ${bind(product_id)})`,
    );
  if (from !== undefined) conditions.push(`o.created_at >= ${bind(from)}`);
  if (to !== undefined) conditions.push(`o.created_at < ${bind(to)}`);
  if (q !== undefined) conditions.push(lookedFor(q.toLowerCase(), bind));
  return conditions;
}

/** The first digit of every id, for some centuries: a UUIDv7 begins with its time. No e-mail is written so. */
const BEGINS_AN_ID = /^0[0-9a-f-]{0,35}$/;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// Users who are gone are found as well: their orders stay.
function lookedFor(q: string, bind: Bind): string {
  if (!BEGINS_AN_ID.test(q))
    return `o.user_id IN (SELECT u.id FROM users u WHERE starts_with(u.email, ${bind(q)}))`;
  const digits = q.replaceAll('-', '');
  return `o.id BETWEEN ${bind(filledUp(digits, FIRST_ID))}::uuid AND ${bind(filledUp(digits, LAST_ID))}::uuid`;
}

/** The digits, and after them those of `id`. */
function filledUp(digits: string, id: string): string {
  let place = 0;
  return id.replaceAll(/[0-9a-f]/g, (digit) => digits[place++] ?? digit);
}
