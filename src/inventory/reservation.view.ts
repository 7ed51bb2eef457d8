import { ApiProperty } from '@nestjs/swagger';
import type { ReservationWithItems } from './inventory.types.js';
import { RESERVATION_STATUSES } from './reservation.dto.js';

const EXAMPLE_ID = '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d';
const EXAMPLE_TIME = '2026-11-21T09:00:00.000Z';

export class ReservationItemView {
  @ApiProperty({ type: 'integer', example: 1 }) product_id!: number;
  @ApiProperty({ type: 'integer', example: 2 }) quantity!: number;
}

/** A hold on goods: of another system's order, or of one of the shop's own. */
export class ReservationView {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID }) id!: string;
  @ApiProperty({ example: 'pos-7-00042' }) order_id!: string;
  @ApiProperty({ enum: RESERVATION_STATUSES, example: 'active' }) status!: string;
  @ApiProperty({ type: String, nullable: true, example: 'bank_transfer' }) payment_method!: string | null;
  @ApiProperty({ type: [ReservationItemView], description: 'What was taken for it.' })
  items!: ReservationItemView[];
  @ApiProperty({ type: 'integer', example: 14_400, description: 'The first time, without extensions.' })
  ttl_seconds!: number;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) expires_at!: string;
  @ApiProperty({ type: String, nullable: true, example: null }) reason!: string | null;
  @ApiProperty({ format: 'date-time', example: EXAMPLE_TIME }) created_at!: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true, example: null }) ended_at!: string | null;
}

export class ReservationPageView {
  @ApiProperty({ type: [ReservationView] }) reservations!: ReservationView[];
  @ApiProperty({ type: String, nullable: true, example: null }) next_cursor!: string | null;
  @ApiProperty({ required: false, type: 'integer', description: 'Only with `count=true`.', example: 1 })
  total?: number;
}

/** The one place where a hold becomes its answer. */
export function reservationView(reservation: ReservationWithItems): ReservationView {
  return {
    id: reservation.id,
    order_id: reservation.order_ref,
    status: reservation.status,
    payment_method: reservation.payment_method,
    items: reservation.items,
    ttl_seconds: reservation.ttl_seconds,
    expires_at: reservation.expires_at.toISOString(),
    reason: reservation.reason,
    created_at: reservation.created_at.toISOString(),
    ended_at: reservation.ended_at?.toISOString() ?? null,
  };
}
