import StorefrontIcon from '@mui/icons-material/StorefrontOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const storefronts: AdminResource = {
  name: 'storefronts',
  label: 'Storefronts',
  one: 'Storefront',
  group: 'Catalog',
  icon: StorefrontIcon,
  recordRepresentation: 'name',
  api: { path: '/admin/storefronts', counted: true, writable: ['name', 'description'] },
  list: later(() => import('./storefront-list')),
  create: later(() => import('./storefront-create')),
  edit: later(() => import('./storefront-edit')),
};
