import OrdersIcon from '@mui/icons-material/ReceiptLongOutlined';
import { later } from '../parts/later';
import { shortId } from '../parts/texts';
import type { AdminResource } from '../registry';

const DAY_MS = 86_400_000;

/** Days are picked, in the reader's zone; the API takes times. */
const startOf = (day: unknown) => (day ? new Date(`${day}T00:00`) : undefined);

export const orders: AdminResource = {
  name: 'orders',
  label: 'Orders',
  one: 'Order',
  group: 'Sales',
  icon: OrdersIcon,
  recordRepresentation: ({ id }) => shortId(id),
  api: {
    path: '/admin/orders',
    counted: true,
    sorts: {
      created_at: { DESC: 'newest', ASC: 'oldest' },
      total_price: { DESC: '-total', ASC: 'total' },
    },
    queryOf: ({ from, to, ...filter }) => {
      const end = startOf(to);
      return {
        ...filter,
        from: startOf(from)?.toISOString(),
        // The whole of the last day.
        to: end && new Date(end.getTime() + DAY_MS).toISOString(),
      };
    },
  },
  list: later(() => import('./order-list')),
  show: later(() => import('./order-show')),
};
