import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import { Statement } from '../platform/database/statement.js';
import type { OrderStatus } from './order.types.js';

export interface OrdersOfDay {
  /** In UTC, `2026-11-21`. */
  day: string;
  status: OrderStatus;
  orders: number;
}

const countByDay = new Statement<OrdersOfDay>(
  'order-figures-count-by-day',
  `SELECT (created_at AT TIME ZONE 'UTC')::date::text AS day, status, count(*) AS orders
   FROM orders WHERE created_at >= $1 AND created_at < $2 GROUP BY 1, 2`,
);

/** Sums over the table `orders`. */
@Injectable()
export class OrderFiguresRepository {
  constructor(private readonly database: DatabaseService) {}

  /** The orders placed from `from` to before `to`, by the day of that and by their status of now. */
  async countByDay(from: Date, to: Date): Promise<OrdersOfDay[]> {
    return this.database.read(countByDay, [from, to]);
  }
}
