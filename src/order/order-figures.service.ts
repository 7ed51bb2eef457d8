import { Injectable } from '@nestjs/common';
import { OrderFiguresRepository, type OrdersOfDay } from './order-figures.repository.js';

/** How many orders there are. */
@Injectable()
export class OrderFigures {
  constructor(private readonly repository: OrderFiguresRepository) {}

  /** The orders placed from `from` to before `to`, by the day (UTC) of that and by their status of now; none where there are none. */
  async countByDay(from: Date, to: Date): Promise<OrdersOfDay[]> {
    return this.repository.countByDay(from, to);
  }
}
