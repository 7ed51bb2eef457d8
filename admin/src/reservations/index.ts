import ReservationIcon from '@mui/icons-material/HourglassBottomOutlined';
import { later } from '../parts/later';
import { orderText } from '../parts/order-text';
import type { AdminResource } from '../registry';

export const reservations: AdminResource = {
  name: 'reservations',
  label: 'Reservations',
  one: 'Reservation',
  group: 'Sales',
  icon: ReservationIcon,
  recordRepresentation: ({ order_id }) => orderText(order_id),
  api: {
    path: '/inventory/reservations',
    sorts: { created_at: { DESC: 'newest' }, expires_at: { ASC: 'expires' } },
  },
  list: later(() => import('./reservation-list')),
  show: later(() => import('./reservation-show')),
};
