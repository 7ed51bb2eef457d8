import { Injectable } from '@nestjs/common';
import { Statement, type Tx } from '../platform/database/statement.js';
import type { NewReservation, Reservation, ReservationEnd } from './inventory.types.js';

const insert = new Statement(
  'reservation-insert',
  `INSERT INTO reservations (id, order_ref, order_id, payment_method, ttl_seconds, expires_at)
   SELECT id, order_ref, order_id, payment_method, ttl_seconds, now() + ttl_seconds * interval '1 second'
   FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[])
     AS r(id, order_ref, order_id, payment_method, ttl_seconds)`,
);

const end = new Statement<{ id: string }>(
  'reservation-end',
  `UPDATE reservations SET status = $2, reason = $3, ended_at = now()
   WHERE order_ref = $1 AND status = 'active'
   RETURNING id`,
);

const find = new Statement<Reservation>(
  'reservation-find',
  'SELECT id, status, expires_at FROM reservations WHERE order_ref = $1',
);

/** All SQL of the table `reservations`. */
@Injectable()
export class ReservationRepository {
  async insert(reservations: NewReservation[], tx: Tx): Promise<void> {
    await insert.run(
      [
        reservations.map(({ id }) => id),
        reservations.map(({ order_ref }) => order_ref),
        reservations.map(({ order_id }) => order_id),
        reservations.map(({ payment_method }) => payment_method),
        reservations.map(({ ttl_seconds }) => ttl_seconds),
      ],
      tx,
    );
  }

  /** @returns false when the hold has ended before. */
  async end(orderRef: string, status: ReservationEnd, reason: string | null, tx: Tx): Promise<boolean> {
    return (await end.run([orderRef, status, reason], tx)).length > 0;
  }

  async find(orderRef: string, tx: Tx): Promise<Reservation | null> {
    return find.first([orderRef], tx);
  }
}
