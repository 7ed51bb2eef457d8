import { ApiProperty } from '@nestjs/swagger';
import { SummaryView } from '../inventory/stock.view.js';
import type { OrderStatus } from '../order/order.types.js';

const ORDERS = { type: 'integer', example: 12, description: 'Orders that were placed.' } as const;
const CAPTURED = { type: 'number', example: 1_299.99, description: 'Money that came in.' } as const;
const REFUNDED = { type: 'number', example: 29.99, description: 'Money that was given back.' } as const;
const REVENUE = {
  type: 'number',
  example: 1_270,
  description: 'What was captured less what was refunded.',
} as const;

/** Sums of some time. Money counts when it has moved, in major units; orders when they were placed. */
export class SalesView {
  @ApiProperty(ORDERS) orders!: number;
  @ApiProperty(CAPTURED) captured!: number;
  @ApiProperty(REFUNDED) refunded!: number;
  @ApiProperty({ ...REVENUE, description: `${REVENUE.description} Negative when more went back than came.` })
  revenue!: number;
}

export class SalesOfDayView extends SalesView {
  @ApiProperty({ format: 'date', example: '2026-11-21', description: 'From midnight to midnight, UTC.' })
  date!: string;
}

export class OrdersByStatusView implements Record<OrderStatus, number> {
  @ApiProperty({ type: 'integer', example: 2 }) pending!: number;
  @ApiProperty({ type: 'integer', example: 5 }) paid!: number;
  @ApiProperty({ type: 'integer', example: 1 }) shipped!: number;
  @ApiProperty({ type: 'integer', example: 3 }) delivered!: number;
  @ApiProperty({ type: 'integer', example: 0 }) failed!: number;
  @ApiProperty({ type: 'integer', example: 1 }) expired!: number;
  @ApiProperty({ type: 'integer', example: 0 }) cancelled!: number;
}

export class ActiveHoldsView {
  @ApiProperty({ type: 'integer', example: 4, description: 'Counted up to 100,000.' }) active!: number;
  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Those of them that are past their time and that nobody has ended yet.',
  })
  overdue!: number;
}

export class OutboxView {
  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Events that are not handed on yet, counted up to 100,000.',
  })
  backlog!: number;
  @ApiProperty({ type: 'number', example: 0.2, description: 'For how long the oldest of them has waited.' })
  lag_seconds!: number;
}

export class UnknownPaymentsView {
  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Attempts of which nobody knows yet whether they were charged.',
  })
  unknown!: number;
  @ApiProperty({ type: 'number', example: 0, description: 'The age of the oldest of them.' })
  oldest_unknown_seconds!: number;
}

export class LastAuditView {
  @ApiProperty({ example: true, description: 'No check has found a violation.' }) consistent!: boolean;
  @ApiProperty({ type: String, format: 'date-time', example: '2026-11-21T10:40:00.000Z' }) checked_at!: Date;
}

/** What an admin sees first. */
export class DashboardView {
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ type: [SalesOfDayView], description: 'Every day, the oldest first; the last one is today.' })
  days!: SalesOfDayView[];
  @ApiProperty({ type: SalesView, description: 'Of all these days.' }) total!: SalesView;
  @ApiProperty({
    type: OrdersByStatusView,
    description: 'What has become of the orders that were placed in these days.',
  })
  orders_by_status!: OrdersByStatusView;
  @ApiProperty({ type: SummaryView }) stock!: SummaryView;
  @ApiProperty({ type: ActiveHoldsView }) reservations!: ActiveHoldsView;
  @ApiProperty({ type: OutboxView }) outbox!: OutboxView;
  @ApiProperty({ type: 'integer', example: 0, description: 'Dead letters that nobody has resolved.' })
  dead_letters!: number;
  @ApiProperty({ type: UnknownPaymentsView }) payments!: UnknownPaymentsView;
  @ApiProperty({
    type: LastAuditView,
    nullable: true,
    description: 'What the answering process has found last; null before its first audit.',
  })
  audit!: LastAuditView | null;
}
