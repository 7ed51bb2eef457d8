import DeadLetterIcon from '@mui/icons-material/ReportGmailerrorredOutlined';
import { lazy } from 'react';
import type { AdminResource } from '../registry';

export const deadLetters: AdminResource = {
  name: 'dead-letters',
  label: 'Dead letters',
  one: 'Dead letter',
  group: 'System',
  icon: DeadLetterIcon,
  recordRepresentation: 'type',
  api: {
    path: '/admin/dead-letters',
    member: 'dead_letters',
    counted: true,
    sorts: { failed_at: { DESC: 'newest', ASC: 'oldest' } },
  },
  list: lazy(() => import('./dead-letter-list')),
  show: lazy(() => import('./dead-letter-show')),
};
