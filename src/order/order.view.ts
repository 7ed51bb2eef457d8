import { ApiProperty } from '@nestjs/swagger';
import type { Money } from '../platform/money.js';
import { ORDER_STATUSES, PAYMENT_STATUSES, RESERVATION_STATUSES } from './order.dto.js';
import { type Order, PAYMENT_METHODS, type PaymentMethod } from './order.types.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';

export class OrderLineView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ example: 'LAPTOP-001' }) sku!: string;
  @ApiProperty({ example: 'Laptop' }) product_name!: string;
  @ApiProperty({ type: 'integer', example: 1 }) quantity!: number;
  @ApiProperty({ example: 1299.99 }) price!: number;
  @ApiProperty({ example: 1299.99 }) subtotal!: number;
}

export class OrderReservationView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ enum: RESERVATION_STATUSES, example: 'active' }) status!: string;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) expires_at!: string;
}

export class OrderHistoryView {
  @ApiProperty({ enum: ORDER_STATUSES, example: 'pending' }) status!: string;
  @ApiProperty({ type: String, nullable: true, example: null }) reason!: string | null;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) at!: string;
}

export class ShippingAddressView {
  @ApiProperty({ example: 'Ada Lovelace' }) name!: string;
  @ApiProperty({ type: [String], example: ['12 St James Square'] }) lines!: string[];
  @ApiProperty({ example: 'London' }) city!: string;
  @ApiProperty({ example: 'SW1Y 4JH' }) postal_code!: string;
  @ApiProperty({ example: 'GB' }) country!: string;
  @ApiProperty({ required: false, example: '+44 20 7946 0000' }) phone?: string;
}

/** An order as its owner sees it. Amounts in major units. */
export class OrderView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ type: 'integer', example: 1 }) user_id!: number;
  @ApiProperty({ enum: ORDER_STATUSES, example: 'pending' }) status!: string;
  @ApiProperty({ type: [OrderLineView] }) items!: OrderLineView[];
  @ApiProperty({ example: 1299.99 }) items_price!: number;
  @ApiProperty({ type: String, nullable: true, example: null }) discount_code!: string | null;
  @ApiProperty({ example: 0 }) discount_price!: number;
  @ApiProperty({ type: 'integer', example: 0 }) redeemed_points!: number;
  @ApiProperty({ example: 0 }) points_discount_price!: number;
  @ApiProperty({ example: 0 }) shipping_price!: number;
  @ApiProperty({ example: 1299.99 }) total_price!: number;
  @ApiProperty({ example: 'USD' }) currency!: string;
  @ApiProperty({ enum: PAYMENT_METHODS, example: 'credit_card' }) payment_method!: PaymentMethod;
  @ApiProperty({ enum: PAYMENT_STATUSES, example: 'unpaid' }) payment_status!: string;
  @ApiProperty({ type: ShippingAddressView, nullable: true, example: null })
  shipping_address!: ShippingAddressView | null;
  @ApiProperty({ type: String, nullable: true, example: null }) note!: string | null;
  @ApiProperty({ type: String, nullable: true, example: null }) tracking_number!: string | null;
  @ApiProperty({ type: OrderReservationView, nullable: true }) reservation!: OrderReservationView | null;
  @ApiProperty({ type: [OrderHistoryView] }) history!: OrderHistoryView[];
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) created_at!: string;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) updated_at!: string;
}

export class OrderPageView {
  @ApiProperty({ type: [OrderView] }) orders!: OrderView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ required: false, type: 'integer', description: 'Only with `count=true`.', example: 1 })
  total?: number;
}

/** The one place where an order becomes its answer. */
export function orderView(order: Order, money: Money): OrderView {
  return {
    id: order.id,
    user_id: order.user_id,
    status: order.status,
    items: order.lines.map((line) => ({
      product_id: line.product_id,
      sku: line.sku,
      product_name: line.product_name,
      quantity: line.quantity,
      price: money.majorOf(line.price_minor),
      subtotal: money.majorOf(line.subtotal_minor),
    })),
    items_price: money.majorOf(order.items_price_minor),
    discount_code: order.discount_code,
    discount_price: money.majorOf(order.discount_price_minor),
    redeemed_points: order.redeemed_points,
    points_discount_price: money.majorOf(order.points_discount_price_minor),
    shipping_price: money.majorOf(order.shipping_price_minor),
    total_price: money.majorOf(order.total_price_minor),
    currency: order.currency,
    payment_method: order.payment_method,
    payment_status: order.payment_status,
    shipping_address: order.shipping_address,
    note: order.note,
    tracking_number: order.tracking_number,
    reservation: order.reservation && {
      id: order.reservation.id,
      status: order.reservation.status,
      expires_at: order.reservation.expires_at.toISOString(),
    },
    history: order.history.map(({ status, reason, at }) => ({ status, reason, at: at.toISOString() })),
    created_at: order.created_at.toISOString(),
    updated_at: order.updated_at.toISOString(),
  };
}
