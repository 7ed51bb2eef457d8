import EventIcon from '@mui/icons-material/BoltOutlined';
import { lazy } from 'react';
import type { AdminResource } from '../registry';

export const events: AdminResource = {
  name: 'events',
  label: 'Events',
  one: 'Event',
  group: 'System',
  icon: EventIcon,
  recordRepresentation: 'type',
  api: { path: '/admin/events' },
  list: lazy(() => import('./event-list')),
  show: lazy(() => import('./event-show')),
};
