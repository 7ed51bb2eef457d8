import HistoryIcon from '@mui/icons-material/HistoryOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const adminActions: AdminResource = {
  name: 'admin-actions',
  label: 'Admin actions',
  one: 'Admin action',
  group: 'System',
  icon: HistoryIcon,
  api: {
    path: '/admin/actions',
    member: 'actions',
    queryOf: ({ from, to, ...filter }) => ({ ...filter, from: beginningOf(from), to: endOf(to) }),
  },
  list: later(() => import('./action-list')),
};

/** Days are those of the reader, and both of them count whole. */
function beginningOf(day: unknown): string | undefined {
  return dayTime(day, 0);
}

function endOf(day: unknown): string | undefined {
  return dayTime(day, 1);
}

function dayTime(day: unknown, daysLater: number): string | undefined {
  const [year, month, date] = typeof day === 'string' ? day.split('-').map(Number) : [];
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + daysLater).toISOString();
}
