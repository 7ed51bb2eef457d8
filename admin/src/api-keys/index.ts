import KeyIcon from '@mui/icons-material/KeyOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const apiKeys: AdminResource = {
  name: 'api-keys',
  label: 'API keys',
  one: 'API key',
  group: 'System',
  icon: KeyIcon,
  recordRepresentation: 'name',
  api: { path: '/admin/api-keys', member: 'api_keys', counted: true, createOnly: ['name', 'scopes'] },
  list: later(() => import('./api-key-list')),
  create: later(() => import('./api-key-create')),
};
