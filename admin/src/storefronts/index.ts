import StorefrontIcon from '@mui/icons-material/StorefrontOutlined';
import { lazy } from 'react';
import type { AdminResource } from '../registry';

export const storefronts: AdminResource = {
  name: 'storefronts',
  label: 'Storefronts',
  one: 'Storefront',
  group: 'Catalog',
  icon: StorefrontIcon,
  recordRepresentation: 'name',
  api: { path: '/admin/storefronts', counted: true, writable: ['name', 'description'] },
  list: lazy(() => import('./storefront-list')),
  create: lazy(() => import('./storefront-create')),
  edit: lazy(() => import('./storefront-edit')),
};
