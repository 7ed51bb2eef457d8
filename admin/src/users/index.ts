import PeopleIcon from '@mui/icons-material/PeopleOutlined';
import { later } from '../parts/later';
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
  list: later(() => import('./user-list')),
  edit: later(() => import('./user-edit')),
};
