import WebhookIcon from '@mui/icons-material/WebhookOutlined';
import { later } from '../parts/later';
import type { AdminResource } from '../registry';

export const webhookEndpoints: AdminResource = {
  name: 'webhook-endpoints',
  label: 'Webhooks',
  one: 'Webhook endpoint',
  group: 'System',
  icon: WebhookIcon,
  recordRepresentation: 'url',
  api: {
    path: '/admin/webhook-endpoints',
    member: 'webhook_endpoints',
    counted: true,
    writable: ['url', 'events', 'secret', 'active'],
  },
  list: later(() => import('./endpoint-list')),
  create: later(() => import('./endpoint-create')),
  edit: later(() => import('./endpoint-edit')),
};
