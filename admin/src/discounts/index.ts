import DiscountIcon from '@mui/icons-material/LocalOfferOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const discounts: AdminResource = {
  name: 'discounts',
  label: 'Discounts',
  one: 'Discount',
  group: 'Sales',
  icon: DiscountIcon,
  recordRepresentation: 'code',
  api: {
    path: '/discounts',
    counted: true,
    sorts: { created_at: { DESC: 'newest' }, code: { ASC: 'code' } },
    writable: [
      'code',
      'kind',
      'value',
      'min_items_price',
      'starts_at',
      'ends_at',
      'usage_limit',
      'per_user_limit',
      'active',
    ],
    togetherOf: { kind: ['value'] },
  },
  list: later(() => import('./discount-list')),
  create: later(() => import('./discount-create')),
  edit: later(() => import('./discount-edit')),
};
