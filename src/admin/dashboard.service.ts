import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { DeadLetterService } from '../event/dead-letter.service.js';
import { EventService } from '../event/event.service.js';
import { ReservationService } from '../inventory/reservation.service.js';
import { StockService } from '../inventory/stock.service.js';
import { ORDER_STATUSES } from '../order/order.dto.js';
import { OrderFigures } from '../order/order-figures.service.js';
import { PaymentFigures } from '../payment/payment-figures.service.js';
import { Money } from '../platform/money.js';
import type { DashboardQuery } from './dashboard.dto.js';
import type { DashboardView, OrdersByStatusView, SalesOfDayView, SalesView } from './dashboard.view.js';

const DAY_MS = 86_400_000;

type CountsByDay = Awaited<ReturnType<OrderFigures['countByDay']>>;
type SumsByDay = Awaited<ReturnType<PaymentFigures['sumByDay']>>;

/** Sums of some time, in minor units. */
interface Sales {
  orders: number;
  captured_minor: number;
  refunded_minor: number;
}

/** The figures that an admin sees first. Each module counts what is its own; here they only stand side by side. */
@Injectable()
export class DashboardService {
  constructor(
    private readonly orders: OrderFigures,
    private readonly payments: PaymentFigures,
    private readonly stock: StockService,
    private readonly reservations: ReservationService,
    private readonly events: EventService,
    private readonly deadLetters: DeadLetterService,
    private readonly audits: AuditService,
    private readonly money: Money,
  ) {}

  /**
   * Sales and orders of each of the last days (UTC), today included, and how stock, holds, events, payments and the audit stand
   * now. Each group of figures is of its own moment. Changes nothing; sums up whole days and all products, so it is not for every request.
   */
  async show({ days }: DashboardQuery): Promise<DashboardView> {
    const to = new Date(Math.floor(Date.now() / DAY_MS + 1) * DAY_MS);
    const from = new Date(to.getTime() - days * DAY_MS);
    // One after the other, on one connection: those who buy need the others more.
    const counts = await this.orders.countByDay(from, to);
    const sums = await this.payments.sumByDay(from, to);
    const stock = await this.stock.summary();
    const reservations = await this.reservations.countActive();
    const backlog = await this.events.measureBacklog();
    const dead_letters = await this.deadLetters.countOpen();
    const unknown = await this.payments.measureUnknown();
    return {
      currency: this.money.currency,
      ...this.salesOf(daysFrom(from, days), counts, sums),
      orders_by_status: byStatus(counts),
      stock,
      reservations,
      outbox: { backlog: backlog.events, lag_seconds: backlog.lag_seconds },
      dead_letters,
      payments: { unknown: unknown.payments, oldest_unknown_seconds: unknown.oldest_seconds },
      audit: this.lastAudit(),
    };
  }

  /** A row for each day, also for one without any sales. */
  private salesOf(
    dates: string[],
    counts: CountsByDay,
    sums: SumsByDay,
  ): { days: SalesOfDayView[]; total: SalesView } {
    const sales = new Map(dates.map((date) => [date, { orders: 0, captured_minor: 0, refunded_minor: 0 }]));
    const total = { orders: 0, captured_minor: 0, refunded_minor: 0 };
    for (const { day, orders } of counts) {
      for (const some of [sales.get(day) ?? total, total]) some.orders += orders;
    }
    for (const { day, captured_minor, refunded_minor } of sums) {
      for (const some of [sales.get(day) ?? total, total]) {
        some.captured_minor += captured_minor;
        some.refunded_minor += refunded_minor;
      }
    }
    const days = [...sales].map(([date, some]) => ({ date, ...this.viewOf(some) }));
    return { days, total: this.viewOf(total) };
  }

  private viewOf({ orders, captured_minor, refunded_minor }: Sales): SalesView {
    return {
      orders,
      captured: this.money.majorOf(captured_minor),
      refunded: this.money.majorOf(refunded_minor),
      revenue: this.money.majorOf(captured_minor - refunded_minor),
    };
  }

  private lastAudit(): DashboardView['audit'] {
    const latest = this.audits.latest();
    return latest && { consistent: latest.consistent, checked_at: latest.checked_at };
  }
}

function daysFrom(from: Date, days: number): string[] {
  return Array.from({ length: days }, (_, index) =>
    new Date(from.getTime() + index * DAY_MS).toISOString().slice(0, 10),
  );
}

function byStatus(counts: CountsByDay): OrdersByStatusView {
  const orders = Object.fromEntries(
    ORDER_STATUSES.map((status) => [status, 0]),
  ) as unknown as OrdersByStatusView;
  for (const { status, orders: count } of counts) orders[status] += count;
  return orders;
}
