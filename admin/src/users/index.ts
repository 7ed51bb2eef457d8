import PeopleIcon from '@mui/icons-material/PeopleOutlined';
import { lazy } from 'react';
import type { AdminResource } from '../registry';

export const users: AdminResource = {
  name: 'users',
  label: 'Customers',
  one: 'Customer',
  group: 'Sales',
  icon: PeopleIcon,
  recordRepresentation: ({ email, id }) => email ?? `no. ${id}`,
  api: {
    path: '/admin/users',
    counted: true,
    sorts: { created_at: { DESC: 'newest' }, email: { ASC: 'email' }, name: { ASC: 'name' } },
    writable: ['role'],
  },
  list: lazy(() => import('./user-list')),
  edit: lazy(() => import('./user-edit')),
};
