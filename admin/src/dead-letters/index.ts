import DeadLetterIcon from '@mui/icons-material/ReportGmailerrorredOutlined';
import { later } from '../parts/later';
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
  list: later(() => import('./dead-letter-list')),
  show: later(() => import('./dead-letter-show')),
};
