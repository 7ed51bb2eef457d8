import EventIcon from '@mui/icons-material/BoltOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const events: AdminResource = {
  name: 'events',
  label: 'Events',
  one: 'Event',
  group: 'System',
  icon: EventIcon,
  recordRepresentation: 'type',
  api: { path: '/admin/events' },
  list: later(() => import('./event-list')),
  show: later(() => import('./event-show')),
};
