import { StateChip, type Tone } from '../parts/fields';
import type { Reservation } from './reservation.types';

const TONES: Record<Reservation['status'], Tone> = {
  active: 'info',
  fulfilled: 'success',
  cancelled: 'default',
  expired: 'warning',
};

export function ReservationState({ status }: Pick<Reservation, 'status'>) {
  return <StateChip state={status} tone={TONES[status]} />;
}
